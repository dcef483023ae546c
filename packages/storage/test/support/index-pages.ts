import { expect } from 'vitest';
import type { HashSeed } from '../../src/key-index/half-sip-hash.js';
import { halfSipHash } from '../../src/key-index/half-sip-hash.js';
import { type IndexMemory, plainMemory, SLAB_PAGES } from '../../src/key-index/index-memory.js';
import {
  BUCKET_WORDS,
  distanceIn,
  homeOf,
  PAGE_WORDS,
  positionIn,
  tagOf,
} from '../../src/key-index/index-page.js';
import type { IndexMirror, RecordedKeys } from '../../src/key-index/key-index.js';
import { type Position, positionOf } from '../../src/key-index/position.js';

/** Seed of the tables whose keys are chosen to collide. */
export const SEED: HashSeed = { low: 0x1234_5678, high: 0x9abc_def0 };

const SLOTS = 65_536;

/** Records that are nothing but keys: the nth lies in a slot and at an offset made of n. */
export class FakeRecords implements RecordedKeys {
  readonly #keys = new Map<Position, Uint8Array>();
  #count = 0;
  /** How often a record was looked at that was another key's. */
  mistaken = 0;

  /** Adds a record of `key`. */
  add(key: Uint8Array): Position {
    const n = this.#count++;
    // All bits of slot and offset are used, and slots whose low five bits are zeros.
    const position = positionOf((n * 40_503) % SLOTS, 64 + ((n * 1_048_583) % 134_000_000) * 8);
    expect(this.#keys.has(position)).toBe(false);
    this.#keys.set(position, key);
    return position;
  }

  holds(position: Position, key: Uint8Array): boolean {
    const found = this.#keys.get(position)!;
    const same = Buffer.compare(found, key) === 0;
    if (!same) this.mistaken++;
    return same;
  }
}

/** How many buckets behind its home each entry lies, by the position it leads to. */
export type Distances = Map<Position, number>;

/** Memory that a test can look into. */
export class SeenMemory implements IndexMemory, IndexMirror {
  readonly #slabs: Uint32Array[] = [];

  slab(): Uint32Array {
    return plainMemory.slab();
  }

  setSlab(number: number, slab: Uint32Array): void {
    this.#slabs[number] = slab;
  }

  setDirectory(): void {}

  /**
   * Holds what lies in the first `pages` pages against the rules by which they are searched:
   * buckets have no gaps, and all that an entry has passed over are full.
   */
  check(pages: number): Distances {
    const found: Distances = new Map();
    for (let page = 0; page < pages; page++) {
      const slab = this.#slabs[Math.floor(page / SLAB_PAGES)]!;
      checkPage(slab, (page % SLAB_PAGES) * PAGE_WORDS, found);
    }
    return found;
  }
}

function checkPage(words: Uint32Array, page: number, found: Distances): void {
  const isFull = (bucket: number) => words[bucket + BUCKET_WORDS - 2] !== 0;
  for (let bucket = page; bucket < page + PAGE_WORDS; bucket += BUCKET_WORDS) {
    let ended = false;
    for (let at = bucket; at < bucket + BUCKET_WORDS; at += 2) {
      if (words[at] === 0) {
        ended = true;
        continue;
      }
      if (ended) throw new Error('a gap in a bucket');
      const distance = distanceIn(words[at + 1]!);
      for (let passed = 1; passed <= distance; passed++) {
        const before = bucket - passed * BUCKET_WORDS;
        if (before < page || !isFull(before)) throw new Error('an entry has passed over room');
      }
      found.set(positionIn(words[at]!, words[at + 1]!), distance);
    }
  }
}

/** Four bytes. */
export function smallKey(n: number): Uint8Array {
  return Uint8Array.of(n, n >>> 8, n >>> 16, n >>> 24);
}

/** What an entry knows of a key: keys of one such number are taken for each other. */
function confusedBy(key: Uint8Array): number {
  const hash = halfSipHash(key, SEED);
  return tagOf(hash) * 1_024 + homeOf(hash);
}

/** Keys of `candidates`, small ones, in groups of those that an index takes for each other. */
export function confusedKeys(candidates: number, perGroup: number): Uint8Array[][] {
  const known = new Float64Array(candidates);
  for (let n = 0; n < candidates; n++) known[n] = confusedBy(smallKey(n)) * 2 ** 22 + n;
  known.sort();
  const groups: Uint8Array[][] = [];
  for (let first = 0; first < candidates; ) {
    const group = Math.floor(known[first]! / 2 ** 22);
    let next = first;
    const keys: Uint8Array[] = [];
    while (next < candidates && Math.floor(known[next]! / 2 ** 22) === group) {
      keys.push(smallKey(known[next++]! % 2 ** 22));
    }
    if (keys.length >= perGroup) groups.push(keys);
    first = next;
  }
  return groups;
}

/** Small keys, `count` of them, whose home is one of `homes` buckets from `first` on. */
export function crowdedKeys(count: number, first: number, homes: number): Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (let n = 0; keys.length < count; n++) {
    const home = homeOf(halfSipHash(smallKey(n), SEED));
    if (home >= first && home < first + homes) keys.push(smallKey(n));
  }
  return keys;
}
