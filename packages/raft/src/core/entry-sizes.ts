import { assert } from '@dle/common';

/**
 * Entries whose totals share one array: small enough for a small log, few enough for a large one.
 */
const CHUNK_ENTRIES = 1_024;

/**
 * How many bytes the entries of a log take, as running totals: any range is one subtraction, and a
 * batch of a given size is found by halving. Eight bytes an entry.
 */
export class EntrySizes {
  /** The entry behind the base is in the first of them. */
  readonly #chunks: Float64Array[] = [];
  #base: number;
  /** The total up to the base. */
  #before = 0;
  #last: number;

  constructor(baseIndex: number) {
    this.#base = baseIndex;
    this.#last = baseIndex;
  }

  get lastIndex(): number {
    return this.#last;
  }

  append(bytes: number): void {
    assert(Number.isSafeInteger(bytes) && bytes >= 0, `an entry of ${bytes} bytes`);
    const total = this.through(this.#last) + bytes;
    const chunk = this.#chunkOf(this.#last + 1);
    if (chunk === this.#chunks.length) this.#chunks.push(new Float64Array(CHUNK_ENTRIES));
    this.#chunks[chunk]![this.#last % CHUNK_ENTRIES] = total;
    this.#last++;
  }

  /** Forgets the entries from `index` on, which is behind the base. */
  truncate(index: number): void {
    this.#last = Math.min(this.#last, index - 1);
    const isEmpty = this.#last === this.#base;
    this.#chunks.length = isEmpty ? 0 : this.#chunkOf(this.#last) + 1;
  }

  /** Forgets the entries up to `index`, the new base. */
  purge(index: number): void {
    this.#before = this.through(index);
    const dropped = this.#chunkOf(index + 1);
    this.#base = index;
    this.#chunks.splice(0, dropped);
  }

  /** Bytes of all entries up to and including `index`, those before the base included. */
  through(index: number): number {
    if (index === this.#base) return this.#before;
    assert(index > this.#base && index <= this.#last, `no entry ${index}`);
    return this.#chunks[this.#chunkOf(index)]![(index - 1) % CHUNK_ENTRIES]!;
  }

  /**
   * The smallest index such that entries from it to `last` take at most `budget` bytes; `last` + 1:
   * none.
   */
  firstWithin(last: number, budget: number): number {
    const total = this.through(last);
    let low = this.#base + 1;
    let high = last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (total - this.through(middle - 1) <= budget) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * The largest index such that entries `first` to it take at most `budget` bytes; `first` - 1:
   * none.
   */
  lastWithin(first: number, budget: number): number {
    const limit = this.through(first - 1) + budget;
    let low = first - 1;
    let high = this.#last;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.through(middle) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #chunkOf(index: number): number {
    return Math.floor((index - 1) / CHUNK_ENTRIES) - Math.floor(this.#base / CHUNK_ENTRIES);
  }
}
