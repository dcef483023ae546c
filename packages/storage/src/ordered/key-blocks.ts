import type { Block } from '../directory/directory-block.js';
import type { Work } from './work.js';

/** A block of keys, and where the records lie of which it speaks. */
export class KeyBlock implements Block {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly end: number;
  /** Of their segment. */
  readonly slot: number;
  /** The indexes of its entries are counted from it. */
  readonly firstIndex: number;

  constructor({ bytes, count, end }: Block, slot: number, firstIndex: number) {
    this.bytes = bytes;
    this.count = count;
    this.end = end;
    this.slot = slot;
    this.firstIndex = firstIndex;
  }
}

/** Keys in their order, in blocks: what a merge has as one of its sources. */
export interface KeyBlocks {
  /** How many there are. None is empty. */
  readonly count: number;
  /**
   * The block `number` and, as far as that costs little, those up to `last`, which is above or
   * below it. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`, `DLE_CLOSED`.
   */
  load(number: number, last: number): Work<readonly KeyBlock[]>;
  /** The block `number` if it is in memory. */
  peek(number: number): KeyBlock | undefined;
  /** Number of the last block whose first key is not above `key`; 0 if there is none. */
  find(key: Uint8Array): Work<number>;
  /** As `find`, if all that it needs is in memory; else -1. */
  findNow(key: Uint8Array): number;
}
