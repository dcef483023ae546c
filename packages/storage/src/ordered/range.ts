import { compareBytes, DleError } from '@dle/common';
import { copyOf } from '../bytes.js';
import { bytesOf } from '../store/bytes-like.js';
import type { BytesLike } from '../store/types.js';
import type { KeyRange } from './types.js';

/** Where a range begins or ends. */
export interface Bound {
  readonly key: Uint8Array;
  /** Whether the key itself belongs to it. */
  readonly inclusive: boolean;
}

/** A range of keys, read in one direction. */
export interface Range {
  readonly lower: Bound | undefined;
  readonly upper: Bound | undefined;
  readonly reverse: boolean;
  /** Infinite: all. */
  readonly limit: number;
}

/** Takes copies. Throws `DLE_INVALID_ARGUMENT`. */
export function rangeOf({ gt, gte, lt, lte, reverse = false, limit }: KeyRange): Range {
  if (typeof reverse !== 'boolean') {
    throw new DleError('DLE_INVALID_ARGUMENT', `reverse is true or false, not ${String(reverse)}`);
  }
  return {
    lower: boundOf(gte, true) ?? boundOf(gt, false),
    upper: boundOf(lte, true) ?? boundOf(lt, false),
    reverse,
    limit: limitOf(limit),
  };
}

/** Whether `key` lies in it. */
export function isWithin({ lower, upper }: Range, key: Uint8Array): boolean {
  return isBehind(lower, key, 1) && isBehind(upper, key, -1);
}

function isBehind(bound: Bound | undefined, key: Uint8Array, direction: number): boolean {
  if (bound === undefined) return true;
  const order = compareBytes(key, bound.key) * direction;
  return order > 0 || (order === 0 && bound.inclusive);
}

function boundOf(key: BytesLike | undefined, inclusive: boolean): Bound | undefined {
  return key === undefined ? undefined : { key: copyOf(bytesOf(key)), inclusive };
}

function limitOf(limit: number | undefined): number {
  if (limit === undefined || limit === -1 || limit === Number.POSITIVE_INFINITY) {
    return Number.POSITIVE_INFINITY;
  }
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  const message = `limit is a whole number from 0, or -1 for no limit, not ${String(limit)}`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}
