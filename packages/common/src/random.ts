import { randomFillSync } from 'node:crypto';

/** The port for chance. */
export interface Random {
  /** A whole number, 0 <= n < 2^32. */
  nextUint32(): number;
}

/** A whole number, 0 <= n < `bound`; `bound` at most 2^32. */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor((random.nextUint32() / 0x1_0000_0000) * bound);
}

/** 32 hexadecimal digits: the form of store, instance and cluster ids. */
export function randomId(random: Random): string {
  let id = '';
  for (let word = 0; word < 4; word++) id += random.nextUint32().toString(16).padStart(8, '0');
  return id;
}

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and the same sequence from the same seed on
 * every machine.
 * Not for secrets.
 */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x1_0000_0000) >>> 0;
    this.#c = 0x9e3779b9;
    for (let round = 0; round < 15; round++) this.nextUint32();
  }

  nextUint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }
}

/** Words drawn at once: the operating system takes as long for one as for all of them. */
const DRAWN_WORDS = 256;
const drawn = new Uint32Array(DRAWN_WORDS);
let used = DRAWN_WORDS;

/** Chance from the operating system. */
export const systemRandom: Random = {
  nextUint32: () => {
    if (used === DRAWN_WORDS) {
      randomFillSync(drawn);
      used = 0;
    }
    return drawn[used++]!;
  },
};
