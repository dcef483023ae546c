import { firstFrom } from '../directory/block-search.js';
import type { KeyBlock } from './key-blocks.js';
import type { Bound } from './range.js';

/** What a scan stopped for, where it is not a source that has to be filled. */
export const DONE = -1;
/** As much has come as was asked for, or as is good to do at a time. */
export const MORE = -2;

/** What is shown of a key; a record comes as it lies in its file. */
export type Shape = 'pairs' | 'keys' | 'values' | 'records';

/** What a scan gives. */
export interface ScanOptions {
  readonly shape: Shape;
  readonly reverse: boolean;
  /** How many there are. */
  readonly sources: number;
  /** Where it begins; at one end of all, if that is left open. */
  readonly start: Bound | undefined;
  /** It is at its end where this is reached. */
  readonly end: Bound | undefined;
}

/** The place in a block is where the range begins. */
export const AT_START = -1;

/** Merges the sources of a view, and reads the records that it finds. */
export interface Scan {
  /** Of the keys and values that it has shown so far. */
  readonly bytes: number;
  /** `source` goes on with the entry `place` of `block`, or with the first there from `AT_START`. */
  fill(source: number, block: KeyBlock, place: number): void;
  /**
   * Adds to `into` until it holds `count`; stops before for a source that has to be filled, or is
   * at its end, and when that is `DONE`, or `MORE`. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
   */
  run(into: unknown[], count: number): number;
  /** Nothing more is read from it. */
  close(): void;
}

/** Where in `block` the range begins: -1, or the number of entries, if it does not begin in it. */
export function placeOf(block: KeyBlock, { start, reverse }: ScanOptions): number {
  if (start === undefined) return reverse ? block.count - 1 : 0;
  const { key, inclusive } = start;
  return reverse ? firstFrom(block, key, inclusive) - 1 : firstFrom(block, key, !inclusive);
}
