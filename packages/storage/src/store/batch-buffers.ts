import { allocate } from '../bytes.js';

const SMALLEST_BYTES = 16 * 1024;
/** Larger ones come and go. */
const LARGEST_BYTES = 1024 * 1024;
const MAX_KEPT = 8;

/**
 * Memory for batches, used again and again. Fresh memory for each would be taken from the system,
 * cleared and given back; and it counts for the collector, which then looks through the whole heap
 * every few hundred batches (a third of the time of writing, measured).
 */
export class BatchBuffers {
  readonly #free: Uint8Array[] = [];

  /** At least `bytes`, not cleared. */
  take(bytes: number): Uint8Array {
    const place = this.#free.findIndex((buffer) => buffer.length >= bytes);
    if (place >= 0) return this.#free.splice(place, 1)[0]!;
    if (bytes > LARGEST_BYTES) return allocate(bytes);
    return allocate(Math.max(SMALLEST_BYTES, 2 ** Math.ceil(Math.log2(bytes))));
  }

  /** The memory of `bytes`, which nobody uses any more. */
  give(bytes: Uint8Array): void {
    const { byteLength } = bytes.buffer;
    if (byteLength > LARGEST_BYTES || this.#free.length >= MAX_KEPT) return;
    this.#free.push(new Uint8Array(bytes.buffer));
  }
}
