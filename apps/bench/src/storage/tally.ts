import { KEY_BYTES, keyText } from '../workload.js';
import type { Draws } from './draws.js';

/**
 * How many entries have been read, and a sum that is another one for other entries, and for the
 * same in another order. It looks at the bytes, as a reader does.
 */
export class Tally {
  #count = 0;
  #sum = 0;

  get count(): number {
    return this.#count;
  }

  add(key: Uint8Array, value: Uint8Array): void {
    const ofKey = key[KEY_BYTES - 1]! | (key[KEY_BYTES - 2]! << 8);
    const ofValue = value[0]! | (value[value.length - 1]! << 8);
    this.#count++;
    this.#sum = (Math.imul(this.#sum, 31) + (ofKey ^ (ofValue << 8))) | 0;
  }

  /** Adds what the records of `draws` from `first` up to `end` are in order. */
  addRecords(draws: Draws, first: number, end: number): void {
    const key = Buffer.alloc(KEY_BYTES);
    for (let at = first; at < end; at++) {
      key.write(keyText(at), 'latin1');
      this.add(key, draws.value(at));
    }
  }

  /** Throws unless the same has been read. */
  mustBe(expected: Tally): void {
    if (this.#count === expected.#count && this.#sum === expected.#sum) return;
    const counts = `${this.#count} entries of ${expected.#count}`;
    throw new Error(`${counts} were read, not as they were written or not in order`);
  }
}
