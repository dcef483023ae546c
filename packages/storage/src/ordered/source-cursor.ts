import type { KeyBlock, KeyBlocks } from './key-blocks.js';
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

  /** The block in which it begins at `start`, if all that this needs is in memory. */
  beginNow(start: Bound | undefined): KeyBlock | undefined {
    const blocks = this.#blocks;
    const number = start === undefined ? this.#next : blocks.findNow(start.key);
    const block = number < 0 ? undefined : blocks.peek(number);
    if (block === undefined) return undefined;
    this.#next = number + this.#step;
    this.#reads = 1;
    return block;
  }

  /** The block in which it begins at `start`, or behind which: none is empty. */
  *begin(start: Bound | undefined): Work<KeyBlock> {
    if (start !== undefined) this.#next = yield* this.#blocks.find(start.key);
    return (yield* this.next())!;
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
}
