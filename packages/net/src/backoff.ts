import { type Random, randomBelow } from '@dle/common';

export interface Backoff {
  /**
   * The first wait is between 0 and this, in milliseconds; the bound doubles with every failure.
   */
  readonly minMs: number;
  /** The bound never exceeds this. */
  readonly maxMs: number;
}

/**
 * How long to wait after so many `failures` (from 0) in a row: a whole number of milliseconds, 0 to
 * a capped, doubling bound, all equally likely. "Full jitter": clients that lost the same server do
 * not come back at the same moment.
 */
export function backoffMs(random: Random, { minMs, maxMs }: Backoff, failures: number): number {
  const bound = Math.min(maxMs, minMs * 2 ** Math.min(failures, 32));
  return randomBelow(random, Math.floor(bound) + 1);
}
