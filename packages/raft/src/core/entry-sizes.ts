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
  readonly #chunks: Float64Array[] = [];
  #count = 0;

  get lastIndex(): number {
    return this.#count;
  }

  append(bytes: number): void {
    assert(Number.isSafeInteger(bytes) && bytes >= 0, `an entry of ${bytes} bytes`);
    const total = this.through(this.#count) + bytes;
    const chunk = Math.floor(this.#count / CHUNK_ENTRIES);
    if (chunk === this.#chunks.length) this.#chunks.push(new Float64Array(CHUNK_ENTRIES));
    this.#chunks[chunk]![this.#count % CHUNK_ENTRIES] = total;
    this.#count++;
  }

  /** Forgets the entries from `index` on, `index` at least 1. */
  truncate(index: number): void {
    this.#count = Math.min(this.#count, index - 1);
    this.#chunks.length = Math.ceil(this.#count / CHUNK_ENTRIES);
  }

  /** Bytes of all entries up to and including `index`. */
  through(index: number): number {
    if (index === 0) return 0;
    assert(index >= 1 && index <= this.#count, `no entry ${index}`);
    return this.#chunks[Math.floor((index - 1) / CHUNK_ENTRIES)]![(index - 1) % CHUNK_ENTRIES]!;
  }

  /**
   * The smallest index such that entries from it to `last` take at most `budget` bytes; `last` + 1:
   * none.
   */
  firstWithin(last: number, budget: number): number {
    const total = this.through(last);
    let low = 1;
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
    let high = this.#count;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.through(middle) <= limit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
