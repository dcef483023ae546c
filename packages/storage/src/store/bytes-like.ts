import { DleError, toBytes } from '@dle/common';
import type { BytesLike } from './types.js';

/** A string as UTF-8, bytes as they are. Throws `DLE_INVALID_ARGUMENT` for anything else. */
export function bytesOf(value: BytesLike): Uint8Array {
  if (typeof value === 'string' || value instanceof Uint8Array) return toBytes(value);
  throw new DleError('DLE_INVALID_ARGUMENT', 'keys and values are strings or Uint8Arrays');
}
