import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, SeededRandom } from '@dle/common';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogStore, nativeStatus } from '../../src/index.js';
import { bothWays, type Way } from '../support/both-ways.js';
import { confusedKeys, crowdedKeys, SEED } from '../support/index-pages.js';
import { expectReads } from '../support/read-forms.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-lookup-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** Few keys, so that they are overwritten: some short, some at and around what is allowed. */
const KEY_LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 63, 64, 100, 447, 448, 449, 1_000, 4_096];
const KEYS = KEY_LENGTHS.flatMap((length, place) =>
  [0, 1].map((other) => new Uint8Array(length).fill(place * 2 + other)),
);
const KEYS_OF_THREE = Array.from({ length: 40 }, (_, n) => Uint8Array.of(n, 0, n * 7));

const key = fc.constantFrom(...KEYS, ...KEYS_OF_THREE);
const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(300) },
  { weight: 3, arbitrary: fc.nat(5_000) },
  { weight: 1, arbitrary: fc.nat(100_000) },
);
const step = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ kind: fc.constant('put' as const), key, length, fill: fc.nat(255) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('del' as const), key }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('read' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const), swap: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Two stores that are told the same, and a map of what they were told. */
class Twins {
  readonly #ways: readonly Way[];
  readonly #root: string;
  readonly #segmentSize: number;
  readonly #model = new Map<string, Uint8Array>();
  stores: LogStore[] = [];

  constructor(ways: readonly Way[], root: string, segmentSize: number) {
    this.#ways = ways;
    this.#root = root;
    this.#segmentSize = segmentSize;
  }

  async open(): Promise<void> {
    const options = { segmentSize: this.#segmentSize, durability: 'none' } as const;
    this.stores = await Promise.all(
      this.#ways.map(({ name, open }) => open(join(this.#root, name), options)),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.stores.map((store) => store.close()));
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'put') await this.#put(step);
    else if (step.kind === 'del') await this.#delete(step.key);
    else if (step.kind === 'reopen') await this.#reopen(step.swap);
    else await this.#check(step.key);
  }

  async checkAll(): Promise<void> {
    for (const key of [...KEYS, ...KEYS_OF_THREE]) await this.#check(key);
    for (const store of this.stores) expect(store.stats().keys).toBe(this.#model.size);
    const [native, typescript] = await Promise.all(this.stores.map((store) => store.getMany(KEYS)));
    expect(native).toEqual(typescript);
  }

  async #put({ key, length, fill }: { key: Uint8Array; length: number; fill: number }) {
    const value = Uint8Array.from({ length }, (_, at) => fill + at * 31);
    this.#model.set(hex(key), value);
    await Promise.all(this.stores.map((store) => store.put(key, value)));
  }

  async #delete(key: Uint8Array): Promise<void> {
    this.#model.delete(hex(key));
    await Promise.all(this.stores.map((store) => store.del(key)));
  }

  /** Both go on with the files of one: what the addon has written is read without it, or the other. */
  async #reopen(swap: boolean): Promise<void> {
    await this.close();
    const [from, to] = this.#ways.map(({ name }) => join(this.#root, name));
    const [source, target] = swap ? [to!, from!] : [from!, to!];
    await rm(target, { recursive: true });
    await cp(source, target, { recursive: true });
    await this.open();
  }

  async #check(key: Uint8Array): Promise<void> {
    for (const store of this.stores) await expectReads(store, key, this.#model.get(hex(key)));
  }
}

/** Chance that seeds the index with what the keys were chosen for. */
function seedFirst(): Random {
  const words = [SEED.low, SEED.high];
  const rest = new SeededRandom(1);
  return { nextUint32: () => words.shift() ?? rest.nextUint32() };
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');

describe.runIf(nativeStatus().loaded)('the lookup in C', () => {
  it('says what the one in TypeScript says, and what was written', async () => {
    const ways = await bothWays();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 150, size: 'max' }),
        fc.constantFrom(4_096, 8_192, 65_536),
        async (steps, segmentSize) => {
          const root = join(directory, `${run++}`);
          const twins = new Twins(ways, root, segmentSize);
          await twins.open();
          try {
            for (const step of steps) await twins.take(step);
            await twins.checkAll();
          } finally {
            await twins.close();
            await rm(root, { recursive: true });
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it('finds the values of many keys, and of none of the others, after pages were split', async () => {
    const COUNT = 30_000;
    const ways = await bothWays();
    for (const { name, open } of ways) {
      const place = join(directory, name);
      let store = await open(place, { segmentSize: 1024 * 1024, durability: 'none' });
      for (let round = 0; round < 2; round++) {
        const writes: Promise<void>[] = [];
        for (let n = 0; n < COUNT; n += 1 + round) writes.push(store.put(`${n}`, `${round} ${n}`));
        await Promise.all(writes);
      }
      for (let times = 0; times < 2; times++) {
        expect(store.stats().keys).toBe(COUNT);
        for (let n = 0; n < COUNT + 1_000; n++) {
          const value = store.getSync(`${n}`);
          const expected = n < COUNT ? `${n % 2 === 0 ? 1 : 0} ${n}` : undefined;
          const found = value && Buffer.from(value).toString();
          if (found !== expected) expect(found, `${name}, key ${n}`).toBe(expected);
        }
        await store.close();
        store = await open(place);
      }
      await store.close();
    }
  });

  it('tells apart keys of which its entries know the same, in buckets that are full', async () => {
    const groups = confusedKeys(2_000_000, 3);
    const keys = [...groups.flat(), ...crowdedKeys(200, 1_022, 2)];
    const missing = groups.map((group) => group[0]!);
    for (const { name, open } of await bothWays()) {
      const store = await open(
        join(directory, name),
        { segmentSize: 65_536, durability: 'none' },
        { random: seedFirst() },
      );
      for (let round = 0; round < 3; round++) {
        await Promise.all(keys.map((key) => store.put(key, `${round} ${hex(key)}`)));
        // Deletes among them, of one whose place others have passed over.
        await Promise.all(missing.map((key) => store.del(key)));
        for (const key of keys) {
          const expected = missing.includes(key) ? undefined : `${round} ${hex(key)}`;
          await expectReads(store, key, expected === undefined ? undefined : Buffer.from(expected));
        }
        expect(store.stats().keys).toBe(keys.length - missing.length);
      }
      await store.close();
    }
  });

  it('checks the checksums of values of every length there is a way for', async () => {
    const ways = await bothWays();
    const lengths = Array.from({ length: 301 }, (_, length) => length);
    const place = join(directory, 'store');
    const store = await ways[0]!.open(place, { durability: 'none' });
    const content = Uint8Array.from({ length: 400 }, (_, at) => at * at + 3);
    const contentOf = (length: number) => content.subarray(length % 7, (length % 7) + length);
    await Promise.all(lengths.map((length) => store.put(`${length}`, contentOf(length))));
    for (const length of lengths) {
      await expectReads(store, Buffer.from(`${length}`), contentOf(length));
      // The second view is one of the map: the checksum was right in C.
      expect(store.getView(`${length}`)!.buffer.byteLength).toBeGreaterThan(4_096 * 16);
    }
    await store.close();
  });
});
