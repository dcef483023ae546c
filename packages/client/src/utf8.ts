import { DleError, toBytes } from '@dle/common';

/** ES2024, which Node has had since version 20. */
type WellFormed = string & { isWellFormed(): boolean };

/**
 * Bytes as they are, or the UTF-8 of a string.
 *
 * @throws DleError `DLE_INVALID_ARGUMENT`: it is neither, or the string holds half a surrogate
 *   pair. That has no
 *   UTF-8; encoded all the same, two strings that differ would become one key.
 */
export function utf8(value: Uint8Array | string, name: string): Uint8Array {
  if (typeof value === 'string' && (value as WellFormed).isWellFormed()) return toBytes(value);
  if (value instanceof Uint8Array) return value;
  const what = typeof value === 'string' ? 'it holds half a surrogate pair' : typeof value;
  const message = `${name} must be a Uint8Array or a well-formed string: ${what}`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}
