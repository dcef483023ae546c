import { firstFrom, type KeyBlock, type KeyBlocks } from './key-blocks.js';
import type { Bound } from './range.js';
import type { Work } from './work.js';

/** Blocks read ahead, at most, by who goes on and on. */
const MAX_AHEAD = 16;

/** Goes through the blocks of one source, in one direction. */
export class SourceCursor {
  readonly #blocks: KeyBlocks;
  readonly #step: 1 | -1;
  /** Number of the next block that is read. */
  #next: number;
  /** Read, and not yet asked for. */
  #ahead: readonly KeyBlock[] = [];
  #taken = 0;
  #reads = 0;

  constructor(blocks: KeyBlocks, reverse: boolean) {
    this.#blocks = blocks;
    this.#step = reverse ? -1 : 1;
    this.#next = reverse ? blocks.count - 1 : 0;
  }

  /** Where it begins: `undefined` if there is nothing in it from there on. */
  block: KeyBlock | undefined;
  /** The entry in that. */
  place = 0;

  /** Begins at `start`, if all that this needs is in memory: whether it has. */
  beginNow(start: Bound | undefined): boolean {
    const blocks = this.#blocks;
    let number = start === undefined ? this.#next : blocks.findNow(start.key);
    if (number < 0) return false;
    let block = blocks.peek(number);
    if (block === undefined) return false;
    let place = this.#placeIn(block, start);
    number += this.#step;
    if (place < 0 || place >= block.count) {
      const isAtEnd = number < 0 || number >= blocks.count;
      block = isAtEnd ? undefined : blocks.peek(number);
      if (block === undefined && !isAtEnd) return false;
      place = block === undefined ? 0 : this.firstPlace(block);
      number += this.#step;
    }
    this.block = block;
    this.place = place;
    this.#next = number;
    this.#reads = 1;
    return true;
  }

  /** Begins at `start`. */
  *begin(start: Bound | undefined): Work<void> {
    if (start !== undefined) this.#next = yield* this.#blocks.find(start.key);
    this.block = yield* this.next();
    if (this.block === undefined) return;
    this.place = this.#placeIn(this.block, start);
    if (this.place >= 0 && this.place < this.block.count) return;
    this.block = yield* this.next();
    if (this.block !== undefined) this.place = this.firstPlace(this.block);
  }

  /** The next block; `undefined` at the end. */
  *next(): Work<KeyBlock | undefined> {
    if (this.#taken < this.#ahead.length) return this.#ahead[this.#taken++];
    const { count } = this.#blocks;
    const next = this.#next;
    if (next < 0 || next >= count) return undefined;
    // Who has come for a few keys is not to wait for many; who goes on is to wait seldom.
    const ahead = Math.min(2 ** this.#reads++, MAX_AHEAD) - 1;
    const last = Math.min(Math.max(next + ahead * this.#step, 0), count - 1);
    const blocks = yield* this.#blocks.load(next, last);
    this.#next = next + blocks.length * this.#step;
    this.#ahead = blocks;
    this.#taken = 1;
    return blocks[0];
  }

  /** Where a block begins that is read from one end to the other. */
  firstPlace(block: KeyBlock): number {
    return this.#step > 0 ? 0 : block.count - 1;
  }

  #placeIn(block: KeyBlock, start: Bound | undefined): number {
    if (start === undefined) return this.firstPlace(block);
    const { key, inclusive } = start;
    if (this.#step > 0) return firstFrom(block, key, !inclusive);
    return firstFrom(block, key, inclusive) - 1;
  }
}
