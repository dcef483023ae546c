import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { Machine } from '../support/logs.js';
import { ManualClock } from '../support/manual-clock.js';
import { openStore } from '../support/stores.js';

const keyOf = (i: number) => `key ${`${i}`.padStart(6, '0')}`;

/** Every look at it takes a millisecond, so that as much is done in a turn on every machine. */
class TickingClock extends ManualClock {
  ticking = false;

  override now(): number {
    if (this.ticking) this.pass(1);
    return super.now();
  }
}

class TickingMachine extends Machine {
  override readonly clock: TickingClock = new TickingClock();
}

async function fill(store: LogStore, count: number, value: string): Promise<void> {
  for (let from = 0; from < count; from += 5_000) {
    const size = Math.min(5_000, count - from);
    await store.batch(
      Array.from({ length: size }, (_, i) => ({ type: 'put', key: keyOf(from + i), value })),
    );
  }
}

/** How often others have had the thread while `work` was done. */
async function turnsOf(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  try {
    await work();
  } finally {
    isDone = true;
  }
  return turns;
}

/** A store of so many segments of one record each, whose key directories cannot be written. */
async function withoutDirectories(machine: Machine, count: number): Promise<LogStore> {
  machine.vfs.unwritable = (path) => path.includes('.directory');
  const store = await openStore(machine, {
    durability: 'none',
    compaction: { automatic: false },
  });
  for (let i = 0; i < count; i++) await store.put(keyOf(i), 'x'.repeat(3_500));
  await store.verify();
  expect(store.stats().directories.built).toBe(0);
  return store;
}

describe('others get the thread', () => {
  const read = {
    'for await': async (store: LogStore) => {
      let count = 0;
      for await (const _ of store.keys()) count++;
      return count;
    },
    'all()': async (store: LogStore) => (await store.iterator().all()).length,
    'many short ranges': async (store: LogStore) => {
      let count = 0;
      for (let i = 0; i < 20_000; i += 50) {
        count += (await store.values({ gte: keyOf(i), limit: 50 }).all()).length;
      }
      return count;
    },
  };

  it.each(Object.entries(read))('where all is in memory: %s', async (_, readAll) => {
    const machine = new TickingMachine();
    const store = await openStore(machine, { segmentSize: 16 * 1024 * 1024 });
    await fill(store, 20_000, 'value');
    // What has to be gathered is.
    await store.keys().nextv(1);
    machine.clock.ticking = true;
    let count = 0;
    const turns = await turnsOf(async () => {
      count = await readAll(store);
    });
    machine.clock.ticking = false;
    expect(count).toBe(20_000);
    // There are 40 pages of 512 keys, or 400 ranges, and no more than three of either in a turn.
    expect(turns).toBeGreaterThan(10);
    await store.close();
  });

  it('while the keys of hundreds of segments are gathered, then begun with', async () => {
    const machine = new Machine();
    const store = await withoutDirectories(machine, 700);
    const first = async () => {
      const some = await store.keys().nextv(1);
      expect(some).toHaveLength(1);
    };
    // Some 20 KiB for each of them, and no more than a megabyte in a turn.
    expect(await turnsOf(first)).toBeGreaterThan(10);
    // All keys are in memory: 256 sources in a turn, and none of them waits.
    expect(await turnsOf(first)).toBe(2);
    const snapshot = store.snapshot();
    await store.put(keyOf(0), 'new');
    const get = async () => {
      const value = await store.get(keyOf(0), { snapshot });
      expect(value).toHaveLength(3_500);
    };
    expect(await turnsOf(get)).toBeGreaterThanOrEqual(2);
    snapshot.close();
    await store.close();
  });
});
