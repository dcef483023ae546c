import type { Moves } from './compaction-order.js';

const FIRST_CAPACITY = 4_096;

/** Gathers where the records of one output came from. */
export class MoveList {
  #count = 0;
  #hashes = new Uint32Array(FIRST_CAPACITY);
  #from = new Float64Array(FIRST_CAPACITY);
  #to = new Float64Array(FIRST_CAPACITY);
  #lengths = new Uint32Array(FIRST_CAPACITY);

  add(hash: number, from: number, to: number, bytes: number): void {
    const at = this.#count++;
    if (at === this.#hashes.length) this.#grow();
    this.#hashes[at] = hash;
    this.#from[at] = from;
    this.#to[at] = to;
    this.#lengths[at] = bytes;
  }

  /** All of them, in memory that nobody else has. */
  finish(): Moves {
    const count = this.#count;
    return {
      count,
      hashes: this.#hashes.slice(0, count),
      from: this.#from.slice(0, count),
      to: this.#to.slice(0, count),
      lengths: this.#lengths.slice(0, count),
    };
  }

  #grow(): void {
    const capacity = this.#hashes.length * 2;
    const hashes = new Uint32Array(capacity);
    const lengths = new Uint32Array(capacity);
    const from = new Float64Array(capacity);
    const to = new Float64Array(capacity);
    hashes.set(this.#hashes);
    lengths.set(this.#lengths);
    from.set(this.#from);
    to.set(this.#to);
    this.#hashes = hashes;
    this.#lengths = lengths;
    this.#from = from;
    this.#to = to;
  }
}
