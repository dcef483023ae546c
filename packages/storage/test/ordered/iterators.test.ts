import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore, textOf } from '../support/stores.js';

let machine: Machine;
let store: LogStore;

const keyOf = (i: number) => `key ${`${i}`.padStart(4, '0')}`;
const texts = (keys: readonly Uint8Array[]) => keys.map(textOf);

async function fill(count: number, value = 'value'): Promise<void> {
  await store.batch(
    Array.from({ length: count }, (_, i) => ({ type: 'put', key: keyOf(i), value }) as const),
  );
}

beforeEach(async () => {
  machine = new Machine();
  store = await openStore(machine, { segmentSize: 64 * 1024 });
});

afterEach(() => store.close());

describe('an iterator', () => {
  it('sees what was there when it was made, and nothing of what is written while it is read', async () => {
    await fill(100, 'old');
    const iterator = store.iterator();
    await fill(200, 'new');
    await store.del(keyOf(7));
    const first = await iterator.nextv(40);
    await store.clear({ gte: keyOf(50) });
    await store.compact();
    const all = [...first, ...(await iterator.nextv(1_000))];
    expect(all.map(([key, value]) => [textOf(key), textOf(value)])).toEqual(
      Array.from({ length: 100 }, (_, i) => [keyOf(i), 'old']),
    );
    expect(await iterator.nextv(1)).toEqual([]);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await iterator.close();
  });

  it('does not see a write that was not resolved when it was made', async () => {
    await store.put('a', '1');
    const written = store.put('b', '2');
    const keys = store.keys();
    await written;
    expect(texts(await keys.all())).toEqual(['a']);
    expect(texts(await store.keys().all())).toEqual(['a', 'b']);
  });

  it('does one call after the other, in the order in which they were made', async () => {
    await fill(1_000);
    const iterator = store.keys();
    const calls = [iterator.nextv(300), iterator.next(), iterator.nextv(2), iterator.nextv(900)];
    expect(() => iterator.seek(keyOf(3))).toThrow(
      expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
    );
    const [many, one, two, rest] = (await Promise.all(calls)) as [
      Uint8Array[],
      IteratorResult<Uint8Array>,
      Uint8Array[],
      Uint8Array[],
    ];
    const all = [...many, one.value, ...two, ...rest];
    expect(texts(all)).toEqual(Array.from({ length: 1_000 }, (_, i) => keyOf(i)));
    await iterator.close();
  });

  it('counts what it has given towards its limit, and not what it has fetched', async () => {
    await fill(100);
    const iterator = store.keys({ limit: 5 });
    expect(textOf((await iterator.next()).value)).toBe(keyOf(0));
    iterator.seek(keyOf(90));
    expect(texts(await iterator.nextv(3))).toEqual([90, 91, 92].map(keyOf));
    iterator.seek(keyOf(10));
    expect(texts(await iterator.nextv(3))).toEqual([keyOf(10)]);
    expect(await iterator.nextv(3)).toEqual([]);
    await iterator.close();
  });

  it('gives large values in smaller numbers, and all of them', async () => {
    for (let i = 0; i < 12; i++) await store.put(keyOf(i), Buffer.alloc(4 * 1024 * 1024, i));
    const iterator = store.iterator();
    const sizes: number[] = [];
    for (let some = await iterator.nextv(100); some.length > 0; some = await iterator.nextv(100)) {
      sizes.push(some.length);
    }
    expect(Math.max(...sizes)).toBeLessThan(8);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(12);
    await iterator.close();
  });

  it('takes bounds as they are at the call, whatever becomes of the bytes', async () => {
    await fill(10);
    const gte = Buffer.from(keyOf(3));
    const lt = Buffer.from(keyOf(6));
    const iterator = store.keys({ gte, lt });
    gte.fill(0);
    lt.fill(255);
    expect(texts(await iterator.nextv(100))).toEqual([3, 4, 5].map(keyOf));
    const target = Buffer.from(keyOf(4));
    iterator.seek(target);
    target.fill(255);
    expect(texts(await iterator.nextv(100))).toEqual([4, 5].map(keyOf));
    await iterator.close();
  });

  it('gives bytes that stay as they are, whatever is done with those of others', async () => {
    await fill(500);
    const iterator = store.iterator();
    const all = [];
    for (let some = await iterator.nextv(7); some.length > 0; some = await iterator.nextv(7)) {
      all.push(...some);
    }
    for (const [, value] of all.slice(0, 250)) value.fill(0);
    for (const [place, [key, value]] of all.slice(250).entries()) {
      expect([textOf(key), textOf(value)]).toEqual([keyOf(250 + place), 'value']);
    }
    await iterator.close();
  });

  it('is closed by a loop that comes to its end, or is left', async () => {
    await fill(20);
    const whole = store.keys();
    let count = 0;
    for await (const _ of whole) count++;
    expect(count).toBe(20);
    await expect(whole.next()).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    const left = store.keys();
    for await (const _ of left) break;
    await expect(left.nextv(1)).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    expect(() => left.seek('a')).toThrow(expect.objectContaining({ code: 'DLE_CLOSED' }));
  });

  it('ends with its signal: what is pending, and all that comes then, rejects with the reason', async () => {
    await fill(100);
    const controller = new AbortController();
    const iterator = store.iterator({ signal: controller.signal });
    expect(await iterator.nextv(3)).toHaveLength(3);
    const pending = Promise.allSettled([iterator.next(), iterator.nextv(10), iterator.all()]);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await pending).toEqual(Array(3).fill({ status: 'rejected', reason }));
    await expect(iterator.next()).rejects.toBe(reason);
    await expect(store.keys({ signal: AbortSignal.abort(reason) }).all()).rejects.toBe(reason);
    await iterator.close();
  });

  it('refuses what it cannot do, and says so', async () => {
    const refused = expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' });
    for (const limit of [-2, 1.5, Number.NaN, '3']) {
      expect(() => store.iterator({ limit: limit as number })).toThrow(refused);
    }
    expect(() => store.keys({ gt: 7 as never })).toThrow(refused);
    expect(() => store.keys({ reverse: 1 as never })).toThrow(refused);
    expect(() => store.keys({ snapshot: {} as never })).toThrow(refused);
    for (const count of [0, -1, 1.5, undefined]) {
      await expect(store.keys().nextv(count as number)).rejects.toEqual(refused);
    }
  });

  it('lets others have the thread while it prepares much', async () => {
    const size = 2_000;
    await store.close();
    store = await openStore(machine, { segmentSize: 64 * 1024 * 1024 });
    for (let i = 0; i < 20; i++) {
      await store.batch(
        Array.from({ length: size }, (_, at) => ({
          type: 'put',
          key: keyOf((at * 7_919 + i) % (20 * size)),
          value: 'x'.repeat(200),
        })),
      );
    }
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const keys = store.keys();
    const some = await keys.nextv(1);
    isDone = true;
    expect(some).toHaveLength(1);
    // Some megabytes of records, and no more than one of them in a turn.
    expect(turns).toBeGreaterThan(4);
    await keys.close();
  });
});

describe('a store that is closed', () => {
  it('ends its iterators and snapshots, those under way as well', async () => {
    await fill(1_000);
    const begun = store.iterator();
    await begun.nextv(3);
    const fresh = store.keys();
    const snapshot = store.snapshot();
    const pending = fresh.nextv(10).catch((thrown) => thrown);
    await store.close();
    const closed = { code: 'DLE_CLOSED' };
    expect([10, closed.code]).toContain((await pending).code ?? (await pending).length);
    await expect(begun.next()).rejects.toMatchObject(closed);
    await expect(begun.all()).rejects.toMatchObject(closed);
    await expect(store.get(keyOf(0), { snapshot })).rejects.toMatchObject(closed);
    expect(() => store.getSync(keyOf(0), { snapshot })).toThrow(expect.objectContaining(closed));
    expect(() => store.iterator()).toThrow(expect.objectContaining(closed));
    expect(() => store.snapshot()).toThrow(expect.objectContaining(closed));
    await expect(store.clear()).rejects.toMatchObject(closed);
    await begun.close();
    expect(store.stats().snapshots).toEqual({ count: 0, oldestAgeMs: 0, pinnedBytes: 0 });
    snapshot.close();
  });

  it('ends a clear that is under way: whole pages are gone, and what is left is whole', async () => {
    await fill(3_500);
    const clearing = store.clear().catch((thrown: unknown) => thrown);
    while (store.stats().keys === 3_500) await turns(1);
    await store.close();
    expect(await clearing).toMatchObject({ code: 'DLE_CLOSED' });
    store = await openStore(machine, { segmentSize: 64 * 1024 });
    const { keys } = store.stats();
    expect([500, 1_500, 2_500]).toContain(keys);
    expect(await store.keys().all()).toHaveLength(keys);
  });
});
