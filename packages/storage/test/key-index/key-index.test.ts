import { SeededRandom } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainMemory } from '../../src/key-index/index-memory.js';
import { MAX_DISTANCE, PAGE_WORDS } from '../../src/key-index/index-page.js';
import { drawSeed, KeyIndex } from '../../src/key-index/key-index.js';
import { NO_POSITION, type Position } from '../../src/key-index/position.js';
import {
  confusedKeys,
  crowdedKeys,
  type Distances,
  FakeRecords,
  SEED,
  SeenMemory,
  smallKey,
} from '../support/index-pages.js';

const PAGE_BYTES = PAGE_WORDS * 4;

/** An index beside a Map that it has to agree with. */
class Pair {
  readonly records = new FakeRecords();
  readonly memory = new SeenMemory();
  readonly index: KeyIndex;
  readonly model = new Map<string, Position>();

  constructor(seed = SEED) {
    this.index = new KeyIndex({
      keys: this.records,
      memory: this.memory,
      mirror: this.memory,
      seed,
    });
  }

  set(key: Uint8Array): void {
    const position = this.records.add(key);
    expect(this.index.set(key, position)).toBe(this.known(key));
    this.model.set(hex(key), position);
  }

  delete(key: Uint8Array): void {
    expect(this.index.delete(key)).toBe(this.known(key));
    this.model.delete(hex(key));
  }

  find(key: Uint8Array): void {
    const found = this.index.find(key);
    // A million of expectations that come true would take most of the time.
    if (found !== this.known(key)) expect(found, hex(key)).toBe(this.known(key));
  }

  known(key: Uint8Array): Position {
    return this.model.get(hex(key)) ?? NO_POSITION;
  }

  /** Pages, by the memory that the index says it takes. */
  get pages(): number {
    return Math.floor(this.index.bytes / PAGE_BYTES);
  }

  get distances(): Distances {
    return this.memory.check(this.pages);
  }

  checkAll(keys: Iterable<Uint8Array>): void {
    for (const key of keys) this.find(key);
    expect(this.index.size).toBe(this.model.size);
    expect(this.index.positions().sort()).toEqual(Float64Array.from(this.model.values()).sort());
    expect(this.distances.size).toBe(this.model.size);
  }
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');

/** Mostly sets, so that it fills; deletes and finds of any key, there or not. */
const steps = (keys: readonly Uint8Array[]) =>
  fc.array(
    fc.tuple(
      fc.constantFrom('set', 'set', 'set', 'delete', 'find'),
      fc.nat(keys.length - 1).map((place) => keys[place]!),
    ),
    { maxLength: 400, size: 'max' },
  );

function play(pair: Pair, taken: Iterable<readonly [string, Uint8Array]>): void {
  for (const [kind, key] of taken) {
    if (kind === 'set') pair.set(key);
    else if (kind === 'delete') pair.delete(key);
    else pair.find(key);
  }
}

describe('the index of keys, beside a map', () => {
  it('agrees on keys of any length', () => {
    const key = fc.uint8Array({ maxLength: 9 });
    const step = fc.tuple(fc.constantFrom('set', 'set', 'delete', 'find'), key);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat(), (taken, seed) => {
        const pair = new Pair(drawSeed(new SeededRandom(seed)));
        play(pair, taken);
        pair.checkAll(taken.map(([, key]) => key));
      }),
    );
  });

  it('tells apart keys of which its entries know the same', () => {
    const groups = confusedKeys(2_000_000, 3);
    expect(groups.length).toBeGreaterThan(4);
    const keys = groups.flat();
    let mistaken = 0;
    fc.assert(
      fc.property(steps(keys), (taken) => {
        const pair = new Pair();
        play(pair, taken);
        pair.checkAll(keys);
        for (const [one, other] of groups.map(([a, b]) => [a!, b!])) {
          expect(pair.index.mayConfuse(one!, other!)).toBe(true);
        }
        mistaken += pair.records.mistaken;
      }),
      { numRuns: 60 },
    );
    expect(mistaken).toBeGreaterThan(1_000);
  });

  // The last homes of a page, behind which lie only the spare buckets; the first; and in between.
  it.each([
    [1_022, 2],
    [0, 1],
    [500, 3],
  ])('agrees where all keys want the buckets from %i on, %i of them', (first, homes) => {
    const keys = crowdedKeys(400, first, homes);
    const seen = { distance: 0, cameBack: 0, pages: 0 };
    fc.assert(
      fc.property(steps(keys), (taken) => {
        const pair = new Pair();
        // The buckets are full before anything else happens.
        for (const key of keys.slice(0, 60)) pair.set(key);
        for (const [kind, key] of taken) {
          const before = pair.distances;
          play(pair, [[kind, key]]);
          if (kind !== 'delete') continue;
          const after = pair.distances;
          seen.distance = Math.max(seen.distance, ...after.values());
          for (const [position, distance] of after) {
            if (distance < before.get(position)!) seen.cameBack++;
          }
        }
        seen.pages = Math.max(seen.pages, pair.pages);
        pair.checkAll(keys);
      }),
      { numRuns: 10 },
    );
    expect(seen.distance).toBe(MAX_DISTANCE);
    expect(seen.pages).toBeGreaterThan(1);
    expect(seen.cameBack).toBeGreaterThan(0);
  });

  it('empties again from any fullness, and fills anew', () => {
    const keys = crowdedKeys(300, 1_020, 4);
    const random = new SeededRandom(7);
    const pair = new Pair();
    for (let round = 0; round < 4; round++) {
      for (const key of keys) pair.set(key);
      pair.checkAll(keys);
      const order = keys.map((key) => ({ key, lot: random.nextUint32() }));
      for (const { key } of order.sort((a, b) => a.lot - b.lot)) {
        pair.delete(key);
        expect(pair.distances.size).toBe(pair.index.size);
      }
      expect(pair.index.size).toBe(0);
      pair.checkAll(keys);
    }
  });
});

describe('the growth of the index', () => {
  it('loses no key', () => {
    const pair = new Pair();
    const keys: Uint8Array[] = [];
    let pages = pair.pages;
    while (pages < 12) {
      const key = smallKey(keys.length);
      keys.push(key);
      pair.set(key);
      if (pair.pages === pages) continue;
      pages = pair.pages;
      pair.checkAll(keys);
    }
    // What is not there is not found.
    for (let n = keys.length; n < 2 * keys.length; n++) pair.find(smallKey(n));
  });

  it('takes 17 bytes for each of a million keys, and never more than 21 on the way there', () => {
    const keys = { holds: () => false };
    const index = new KeyIndex({ keys, memory: plainMemory, seed: SEED });
    const key = new Uint8Array(4);
    let most = 0;
    for (let n = 1; n <= 1_000_000; n++) {
      new DataView(key.buffer).setUint32(0, n);
      index.set(key, n);
      if (n > 100_000) most = Math.max(most, index.bytes / n);
    }
    expect(most).toBeLessThanOrEqual(21);
    expect(index.bytes / index.size).toBeLessThanOrEqual(17);
    const lost = index
      .positions()
      .sort()
      .findIndex((position, place) => position !== place + 1);
    expect(lost).toBe(-1);
  });
});
