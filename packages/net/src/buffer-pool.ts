import { type ViewedBytes, viewed } from './frame.js';

/**
 * Room for some 150 small frames: what one turn of the event loop usually has for one connection.
 */
export const POOLED_BYTES: number = 16 * 1024;
/** Free ones beyond this are left to the collector: 1 MiB at rest. */
const MAX_FREE = 64;

const free: ViewedBytes[] = [];

/**
 * A buffer of POOLED_BYTES for frames on their way out; filling one again is twice as fast as
 * allocating.
 */
export function takeBuffer(): ViewedBytes {
  return free.pop() ?? viewed(Buffer.allocUnsafeSlow(POOLED_BYTES));
}

/** Gives it back. Only when the operating system is done with it: it will be written to again. */
export function giveBuffer(buffer: ViewedBytes): void {
  if (free.length < MAX_FREE) free.push(buffer);
}
