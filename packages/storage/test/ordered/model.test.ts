import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyRange, LogStore, Snapshot } from '../../src/index.js';
import { Machine } from '../support/logs.js';
import { change, SortedModel as Model, type SortedModel, shown } from '../support/sorted-model.js';
import { crashStore, openStore } from '../support/stores.js';

/** Few, so that they come again; some long enough for a block to hold but a few of them. */
const keys = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 2, max: 5 }) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 2_000, max: 4_096 }), fc.nat(255))
      .map(([length, byte]) => new Uint8Array(length).fill(byte)),
  },
);
const operations = fc.array(
  fc.record({ key: keys, value: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }) }),
  { minLength: 1, maxLength: 30 },
);
const ranges: fc.Arbitrary<KeyRange> = fc.record(
  {
    gt: keys,
    gte: keys,
    lt: keys,
    lte: keys,
    reverse: fc.boolean(),
    limit: fc.integer({ min: -1, max: 20 }),
  },
  { requiredKeys: [] },
);

type Step =
  | {
      readonly type: 'write';
      readonly operations: readonly { key: Uint8Array; value: Uint8Array | undefined }[];
    }
  | { readonly type: 'snapshot' }
  | {
      readonly type: 'range';
      readonly range: KeyRange;
      readonly page: number;
      readonly past: number;
    }
  | {
      readonly type: 'seek';
      readonly range: KeyRange;
      readonly targets: readonly Uint8Array[];
      readonly past: number;
    }
  | { readonly type: 'get'; readonly keys: readonly Uint8Array[]; readonly past: number }
  | { readonly type: 'clear'; readonly range: KeyRange }
  | { readonly type: 'forget' | 'settle' | 'compact' | 'reopen' | 'crash' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('write' as const), operations }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('snapshot' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('range' as const),
      range: ranges,
      page: fc.integer({ min: 1, max: 50 }),
      past: fc.nat(5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('seek' as const),
      range: ranges,
      targets: fc.array(keys, { minLength: 1, maxLength: 4 }),
      past: fc.nat(5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('get' as const),
      keys: fc.array(keys, { minLength: 1, maxLength: 6 }),
      past: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const), range: ranges }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom('forget', 'settle', 'compact', 'reopen', 'crash' as const),
    }),
  },
) as fc.Arbitrary<Step>;

/** A store, what should be in it, and the snapshots that are held of it. */
class Run {
  readonly machine = new Machine();
  store!: LogStore;
  model: SortedModel = new Model();
  held: { readonly snapshot: Snapshot; readonly model: SortedModel }[] = [];

  /** Some moment: one of the snapshots, or now. */
  at(past: number): { readonly snapshot: Snapshot | undefined; readonly model: SortedModel } {
    return this.held[past % (this.held.length + 1)] ?? { snapshot: undefined, model: this.model };
  }

  async do(step: Step): Promise<void> {
    const { store } = this;
    switch (step.type) {
      case 'write':
        return change(store, this.model, step.operations);
      case 'snapshot':
        this.held.push({ snapshot: store.snapshot(), model: this.model.copy() });
        return;
      case 'range': {
        const { snapshot, model } = this.at(step.past);
        await expectRange(store, model, { ...step.range, snapshot }, step.page);
        return;
      }
      case 'seek': {
        const { snapshot, model } = this.at(step.past);
        await expectSeeks(store, model, { ...step.range, snapshot }, step.targets);
        return;
      }
      case 'get': {
        const { snapshot, model } = this.at(step.past);
        for (const key of step.keys) await expectGet(store, model, key, snapshot);
        return;
      }
      case 'clear':
        await store.clear(step.range);
        for (const [key] of this.model.pairs(step.range)) this.model.delete(key);
        return;
      case 'forget':
        this.held.shift()?.snapshot.close();
        return;
      case 'settle':
        await store.verify();
        return;
      case 'compact':
        await store.compact();
        return;
      default:
        this.held = [];
        if (step.type === 'reopen') await store.close();
        this.store = await (step.type === 'reopen' ? openStore : crashStore)(this.machine);
    }
  }
}

async function expectRange(
  store: LogStore,
  model: SortedModel,
  options: KeyRange & { readonly snapshot?: Snapshot | undefined },
  page: number,
): Promise<void> {
  const expected = model.pairs(options);
  const found = [];
  const iterator = store.iterator(options);
  for (;;) {
    const some = await iterator.nextv(page);
    if (some.length === 0) break;
    found.push(...some);
  }
  await iterator.close();
  expect(shown(found)).toEqual(shown(expected));
  expect(await store.keys(options).all()).toHaveLength(expected.length);
  const values = [];
  for await (const value of store.values(options)) values.push(value);
  expect(values.map((value) => Buffer.from(value))).toEqual(
    expected.map(([, value]) => Buffer.from(value)),
  );
}

async function expectSeeks(
  store: LogStore,
  model: SortedModel,
  options: KeyRange & { readonly snapshot?: Snapshot | undefined },
  targets: readonly Uint8Array[],
): Promise<void> {
  const { limit = -1, reverse = false } = options;
  await using iterator = store.iterator(options);
  let left = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  const all = model.pairs({ ...options, limit: -1 });
  for (const target of targets) {
    iterator.seek(target);
    const isWithin = new Model(new Map([[Buffer.from(target).toString('hex'), target]])).pairs({
      ...options,
      limit: -1,
    }).length;
    const behind = all.filter(([key]) => {
      const order = Buffer.compare(key, target);
      return reverse ? order <= 0 : order >= 0;
    });
    const expected = (isWithin === 1 ? behind : []).slice(0, Math.min(3, left));
    const found = [];
    for (let count = 0; count < 3; count++) {
      const { value } = await iterator.next();
      if (value !== undefined) found.push(value);
    }
    expect(shown(found)).toEqual(shown(expected));
    left -= found.length;
  }
}

async function expectGet(
  store: LogStore,
  model: SortedModel,
  key: Uint8Array,
  snapshot: Snapshot | undefined,
): Promise<void> {
  const expected = model.get(key);
  const same = (value: Uint8Array | undefined): void => {
    expect(value && Buffer.from(value)).toEqual(expected && Buffer.from(expected));
  };
  same(store.getSync(key, { snapshot }));
  same(await store.get(key, { snapshot }));
  same((await store.getMany([key], { snapshot }))[0]);
  expect(store.has(key, { snapshot })).toBe(expected !== undefined);
}

describe('ordered reads', () => {
  it('say what a sorted list says, whatever is written, held, cleared, compacted or crashed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 40 }), async (all) => {
        const run = new Run();
        run.store = await openStore(run.machine);
        for (const step of all) await run.do(step);
        await expectRange(run.store, run.model, {}, 1_000);
        await expectRange(run.store, run.model, { reverse: true }, 7);
        await run.store.close();
      }),
      { numRuns: Number(process.env.DLE_RUNS ?? 100) },
    );
  });
});
