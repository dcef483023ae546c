import { compareBytes } from '@dle/common';
import type { KeyBlock, KeyBlocks } from './key-blocks.js';
import type { SealedBlocks } from './sealed-blocks.js';
import type { Work } from './work.js';

/**
 * The sorted segments of one run as one source. Their keys are disjoint, and rise with their ids,
 * for one job has written them one after the other.
 */
export class RunBlocks implements KeyBlocks {
  readonly #files: readonly SealedBlocks[];
  /** Number of the first block of each. */
  readonly #starts: readonly number[];
  readonly count: number;

  /** By rising ids. */
  constructor(files: readonly SealedBlocks[]) {
    this.#files = files;
    const starts: number[] = [];
    let count = 0;
    for (const file of files) {
      starts.push(count);
      count += file.count;
    }
    this.#starts = starts;
    this.count = count;
  }

  *load(number: number, last: number): Work<readonly KeyBlock[]> {
    const place = lastNotAbove(this.#starts, number);
    const start = this.#starts[place]!;
    const file = this.#files[place]!;
    const end = Math.min(Math.max(last, start), start + file.count - 1);
    return yield* file.load(number - start, end - start);
  }

  peek(number: number): KeyBlock | undefined {
    const place = lastNotAbove(this.#starts, number);
    return this.#files[place]!.peek(number - this.#starts[place]!);
  }

  findNow(key: Uint8Array): number {
    let [low, high] = [0, this.#files.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const first = this.#files[middle]!.firstKeyNow;
      if (first === undefined) return -1;
      if (compareBytes(first, key) <= 0) low = middle;
      else high = middle;
    }
    const found = this.#files[low]!.findNow(key);
    return found < 0 ? -1 : this.#starts[low]! + found;
  }

  *find(key: Uint8Array): Work<number> {
    let [low, high] = [0, this.#files.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const first = yield* this.#files[middle]!.firstKey();
      if (compareBytes(first, key) <= 0) low = middle;
      else high = middle;
    }
    return this.#starts[low]! + (yield* this.#files[low]!.find(key));
  }
}

/** Place of the last of `numbers`, which rise from 0, that is not above `number`. */
function lastNotAbove(numbers: readonly number[], number: number): number {
  let [low, high] = [0, numbers.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! <= number) low = middle;
    else high = middle;
  }
  return low;
}
