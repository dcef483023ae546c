import { MAX_KEY_BYTES } from '@dle/common';
import { allocate } from '../bytes.js';
import { bytesOf } from './bytes-like.js';
import type { BytesLike } from './types.js';

const encoder = new TextEncoder();

/**
 * Keys as bytes, for calls that are done with them when they return: strings are encoded into the
 * same memory again and again, for a fifth of what memory of their own would cost.
 */
export class KeyEncoder {
  readonly #bytes = allocate(MAX_KEY_BYTES);
  /** The first bytes, by how many. */
  readonly #heads: Uint8Array[] = [];

  /** Good until the next call. Throws `DLE_INVALID_ARGUMENT`. */
  key(key: BytesLike): Uint8Array {
    if (typeof key !== 'string') return bytesOf(key);
    const { read, written } = encoder.encodeInto(key, this.#bytes);
    // Too long a key: whoever checks its length shall see it.
    if (read < key.length) return bytesOf(key);
    this.#heads[written] ??= this.#bytes.subarray(0, written);
    return this.#heads[written];
  }
}
