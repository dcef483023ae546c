import { assert } from '@dle/common';

const FIRST_CAPACITY = 8;

/** The append requests under way to one follower: a ring that grows up to its limit. */
export class Inflights {
  readonly #maxCount: number;
  #lastIndexes: Float64Array = new Float64Array(FIRST_CAPACITY);
  #sizes: Float64Array = new Float64Array(FIRST_CAPACITY);
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#count >= this.#maxCount;
  }

  /** Notes a request that ends at `lastIndex`; last indexes rise. */
  add(lastIndex: number, bytes: number): void {
    assert(!this.isFull, 'a request was sent beyond the window');
    if (this.#count === this.#lastIndexes.length) this.#grow();
    const position = (this.#start + this.#count) % this.#lastIndexes.length;
    this.#lastIndexes[position] = lastIndex;
    this.#sizes[position] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** An acknowledgement of `index` answers every request that ends at or before it. */
  freeTo(index: number): void {
    while (this.#count > 0 && this.#lastIndexes[this.#start]! <= index) {
      this.#bytes -= this.#sizes[this.#start]!;
      this.#start = (this.#start + 1) % this.#lastIndexes.length;
      this.#count--;
    }
  }

  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    this.#lastIndexes = unrolled(this.#lastIndexes, this.#start);
    this.#sizes = unrolled(this.#sizes, this.#start);
    this.#start = 0;
  }
}

/** A full ring as the first half of one twice as large. */
function unrolled(ring: Float64Array, start: number): Float64Array {
  const larger = new Float64Array(ring.length * 2);
  larger.set(ring.subarray(start));
  larger.set(ring.subarray(0, start), ring.length - start);
  return larger;
}
