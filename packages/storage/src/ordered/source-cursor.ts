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

  /** The first block of it, and the entry in that at which `start` has it begin. */
  *begin(start: Bound | undefined): Work<{ block: KeyBlock; place: number } | undefined> {
    if (start !== undefined) this.#next = yield* this.#blocks.find(start.key);
    const block = yield* this.next();
    if (block === undefined) return undefined;
    const place = this.#placeIn(block, start);
    if (place >= 0 && place < block.count) return { block, place };
    const other = yield* this.next();
    if (other === undefined) return undefined;
    return { block: other, place: this.firstPlace(other) };
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
