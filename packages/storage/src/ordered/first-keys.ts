import { compareEntry, compareRanges, firstKeyOf } from '../directory/block-search.js';
import type { KeyBlock } from './key-blocks.js';

/** As many as a number holds exactly. */
const HEAD_BYTES = 6;

/**
 * The first keys of the blocks of a run, to find the one in which a key may lie. Most comparisons
 * are of two numbers: the bytes of the keys that follow those that all of them begin with.
 */
export class FirstKeys {
  readonly #blocks: readonly KeyBlock[];
  /** With which all keys begin. */
  readonly #prefix: Uint8Array;
  readonly #heads: Float64Array;

  /** In their order; one at least. */
  constructor(blocks: readonly KeyBlock[]) {
    this.#blocks = blocks;
    const first = firstKeyOf(blocks[0]!);
    const last = firstKeyOf(blocks.at(-1)!);
    let length = 0;
    while (length < first.length && first[length] === last[length]) length++;
    this.#prefix = first.subarray(0, length);
    this.#heads = Float64Array.from(blocks, (block) => headOf(firstKeyOf(block), length));
  }

  /** Number of the last block whose first key is not above `key`; 0 if there is none. */
  find(key: Uint8Array): number {
    const prefix = this.#prefix;
    const { length } = prefix;
    const order = compareRanges(key, 0, Math.min(key.length, length), prefix, 0, length);
    if (order < 0) return 0;
    const heads = this.#heads;
    if (order > 0) return heads.length - 1;
    const head = headOf(key, length);
    let [low, high] = [0, heads.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = heads[middle]!;
      const isBelow =
        found === head ? compareEntry(this.#blocks[middle]!, 0, key) <= 0 : found < head;
      if (isBelow) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** The bytes of `key` from `start` on, as if zeros followed it. */
function headOf(key: Uint8Array, start: number): number {
  let head = 0;
  for (let at = start; at < start + HEAD_BYTES; at++) head = head * 256 + (key[at] ?? 0);
  return head;
}
