import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { Child } from '../support/child.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { openStore, textOf } from '../support/stores.js';

const keyOf = (i: number) => `key ${`${i}`.padStart(4, '0')}`;

async function fill(store: LogStore, count: number, value: string): Promise<void> {
  for (let i = 0; i < count; i++) await store.put(keyOf(i), value);
}

async function records({ vfs }: Machine): Promise<string[]> {
  const names = await vfs.list(DIRECTORY);
  return names.filter((name) => /\.(segment|sorted)$/.test(name)).sort();
}

describe('a snapshot', () => {
  it('keeps what was there through compaction, and the files of it; then they go', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    await fill(store, 100, 'old');
    await store.compact();
    const before = await records(machine);
    const snapshot = store.snapshot();
    expect(snapshot.index).toBe(store.appliedIndex);
    await fill(store, 100, 'new');
    await store.del(keyOf(5));
    await store.compact();
    machine.clock.pass(1_500);
    const { snapshots } = store.stats();
    expect(snapshots).toMatchObject({ count: 1, oldestAgeMs: 1_500 });
    expect(snapshots.pinnedBytes).toBeGreaterThan(100 * 64);
    expect(await records(machine)).toEqual(expect.arrayContaining(before.filter(isSorted)));
    for (let i = 0; i < 100; i++) {
      expect(textOf(store.getSync(keyOf(i), { snapshot }))).toBe('old');
      expect(textOf(await store.get(keyOf(i), { snapshot }))).toBe('old');
      expect(textOf(store.getSync(keyOf(i)))).toBe(i === 5 ? undefined : 'new');
    }
    expect(await store.values({ snapshot }).all()).toHaveLength(100);
    snapshot.close();
    snapshot.close();
    expect(store.stats().snapshots).toEqual({ count: 0, oldestAgeMs: 0, pinnedBytes: 0 });
    await store.compact();
    const after = await records(machine);
    expect(after.filter((name) => before.filter(isSorted).includes(name))).toEqual([]);
    await store.close();
  });

  it('is not ended under an iterator that was taken from it', async () => {
    const store = await openStore(new Machine());
    await fill(store, 50, 'old');
    const snapshot = store.snapshot();
    const iterator = store.values({ snapshot });
    await fill(store, 50, 'new');
    snapshot.close();
    await store.compact();
    expect((await iterator.all()).map(textOf)).toEqual(new Array(50).fill('old'));
    expect(store.stats().snapshots.pinnedBytes).toBe(0);
    const closed = { code: 'DLE_CLOSED' };
    await expect(store.get(keyOf(1), { snapshot })).rejects.toMatchObject(closed);
    expect(() => store.has(keyOf(1), { snapshot })).toThrow(expect.objectContaining(closed));
    await expect(store.keys({ snapshot }).next()).rejects.toMatchObject(closed);
    await store.close();
  });

  it('is that of one store, and of no other', async () => {
    const [one, other] = [await openStore(new Machine()), await openStore(new Machine())];
    const snapshot = one.snapshot();
    const refused = expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' });
    expect(() => other.iterator({ snapshot })).toThrow(refused);
    expect(() => other.getSync('a', { snapshot })).toThrow(refused);
    await expect(other.get('a', { snapshot })).rejects.toEqual(refused);
    await one.close();
    await other.close();
  });

  it('says of many moments what was there, as segments fill and are sealed between them', async () => {
    const machine = new Machine();
    const store = await openStore(machine);
    const held = [];
    for (let i = 0; i < 120; i++) {
      await store.put('counter', `${i}`.padEnd(300, '.'));
      if (i % 3 === 0) await store.put(keyOf(i), '');
      if (i % 7 === 0) held.push({ snapshot: store.snapshot(), i });
    }
    expect((await machine.segments()).length).toBeGreaterThan(8);
    // The newest first: what is read for one must not show in another.
    for (const { snapshot, i } of held.reverse()) {
      expect(textOf(store.getSync('counter', { snapshot }))).toBe(`${i}`.padEnd(300, '.'));
      const keys = await store.keys({ snapshot, gt: 'key' }).all();
      expect(keys).toHaveLength(Math.floor(i / 3) + 1);
      snapshot.close();
    }
    await store.close();
  });

  it('and an iterator that are forgotten are let go of when they are collected', async () => {
    const child = await Child.start('forgetting.mjs');
    expect(child.lines).toEqual(['forgotten']);
    expect(await child.ends()).toBe(0);
  });
});

function isSorted(name: string): boolean {
  return name.endsWith('.sorted');
}

describe('clear', () => {
  it('deletes a range in pages, and what a signal has not let it come to stays', async () => {
    const store = await openStore(new Machine(), { segmentSize: 64 * 1024 });
    await store.batch(
      Array.from({ length: 3_500 }, (_, i) => ({ type: 'put', key: keyOf(i), value: 'v' })),
    );
    await store.clear({ gte: keyOf(10), lt: keyOf(20), reverse: true, limit: 4 });
    expect(store.stats().keys).toBe(3_496);
    expect(store.has(keyOf(15))).toBe(true);
    expect(store.has(keyOf(16))).toBe(false);
    const controller = new AbortController();
    const clearing = store.clear({ signal: controller.signal });
    const first = await Promise.race([clearing.then(() => 'all'), firstPage(store)]);
    expect(first).toBe('page');
    controller.abort(new Error('enough'));
    await expect(clearing).rejects.toThrow('enough');
    const { keys } = store.stats();
    expect(keys % 1_000).toBe(496);
    expect(keys).toBeGreaterThan(0);
    expect(await store.keys().all()).toHaveLength(keys);
    await store.clear();
    expect(store.stats().keys).toBe(0);
    await store.close();
  });

  it('leaves alone what a snapshot does not know of', async () => {
    const store = await openStore(new Machine());
    await fill(store, 10, 'old');
    const snapshot = store.snapshot();
    await store.put('key 9999', 'new');
    await store.clear({ snapshot });
    expect((await store.keys().all()).map(textOf)).toEqual(['key 9999']);
    await store.close();
  });
});

async function firstPage(store: LogStore): Promise<string> {
  const { keys } = store.stats();
  while (store.stats().keys === keys) await new Promise((resolve) => setImmediate(resolve));
  return 'page';
}
