import { allocate } from '../bytes.js';

/** Small enough to stay in the nearest cache while it is filled. */
const POOL_BYTES = 16 * 1024;
/** Longer values get memory of their own: few of them would fit into what is left of a pool. */
const MAX_POOLED_BYTES = 2 * 1024;

/**
 * Memory for values that are handed out: many small ones share a buffer, which is twice as fast as
 * one for each. A value that is kept keeps its neighbours' memory too, as with Node's own Buffers.
 */
export class ValuePool {
  /** Where the next value goes, from `at` on; there is room for a pooled one. */
  bytes: Uint8Array = allocate(POOL_BYTES);
  at = 0;

  /** The `length` bytes that have been written at `at`. */
  take(length: number): Uint8Array {
    const value = new Uint8Array(this.bytes.buffer as ArrayBuffer, this.at, length);
    this.at += (length + 7) & ~7;
    if (this.at + MAX_POOLED_BYTES > POOL_BYTES) {
      this.bytes = allocate(POOL_BYTES);
      this.at = 0;
    }
    return value;
  }

  /** A copy of `value`. */
  copy(value: Uint8Array): Uint8Array {
    if (value.length > MAX_POOLED_BYTES) return new Uint8Array(value);
    this.bytes.set(value, this.at);
    return this.take(value.length);
  }
}
