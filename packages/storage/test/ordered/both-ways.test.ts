import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeyRange, LogStore } from '../../src/index.js';
import { nativeStatus } from '../../src/index.js';
import { bothWays, type Way } from '../support/both-ways.js';
import { change, SortedModel as Model, type SortedModel, shown } from '../support/sorted-model.js';

const keys = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 3, max: 9 }) },
  // Alike in their first eight bytes, and more.
  {
    weight: 3,
    arbitrary: fc.string({ maxLength: 4 }).map((end) => Buffer.from(`users/00/${end}`)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 3_000, max: 4_096 }), fc.nat(3))
      .map(([length, byte]) => new Uint8Array(length).fill(byte)),
  },
);
/** Some that are larger than a page of a scan. */
const values = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 120 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 30_000, max: 70_000 }), fc.nat(255))
      .map(([length, byte]) => new Uint8Array(length).fill(byte)),
  },
);
const writes = fc.array(
  fc.record({ key: keys, value: fc.option(values, { nil: undefined, freq: 5 }) }),
  { minLength: 1, maxLength: 300 },
);
const ranges = fc.array(
  fc.record(
    { gt: keys, gte: keys, lt: keys, lte: keys, reverse: fc.boolean(), limit: fc.nat(400) },
    { requiredKeys: [] },
  ),
  { maxLength: 6 },
);

let directory: string;
let runs = 0;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-ordered-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function expectAll(
  store: LogStore,
  model: SortedModel,
  wanted: readonly KeyRange[],
): Promise<void> {
  for (const range of [{}, { reverse: true }, ...wanted]) {
    const expected = shown(model.pairs(range));
    expect(shown(await store.iterator(range).all())).toEqual(expected);
    const keysFound = await store.keys(range).all();
    const valuesFound = await store.values(range).all();
    expect(shown(keysFound.map((key, place) => [key, valuesFound[place]!]))).toEqual(expected);
  }
}

describe.skipIf(!nativeStatus().loaded)('ordered reads of files', () => {
  it('are the same by the addon and without', { timeout: 120_000 }, async () => {
    const ways: Way[] = await bothWays();
    await fc.assert(
      fc.asyncProperty(
        fc.array(writes, { maxLength: 3 }),
        writes,
        ranges,
        async (lives, last, some) => {
          const place = join(directory, `${++runs}`);
          const model = new Model();
          // By turns: what one has written the other reads, sealed, compacted and not.
          for (const [life, operations] of lives.entries()) {
            const store = await ways[life % 2]!.open(place, { segmentSize: 32 * 1024 });
            await change(store, model, operations);
            await expectAll(store, model, some);
            if (life === 1) await store.compact();
            await store.close();
          }
          for (const way of ways) {
            const store = await way.open(place, { segmentSize: 32 * 1024 });
            const held = store.snapshot();
            const before = model.copy();
            await change(store, model, last);
            await expectAll(store, model, some);
            const found = await store.iterator({ snapshot: held }).all();
            expect(shown(found)).toEqual(shown(before.pairs()));
            await store.close();
          }
        },
      ),
      { numRuns: Number(process.env.DLE_RUNS ?? 25) },
    );
  });
});
