import { describe, expect, it } from 'vitest';
import type { CompactionOptions, LogStore } from '../../src/index.js';
import { keyOf } from '../support/compacting.js';
import { Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore, textOf } from '../support/stores.js';

const KEYS = 100;

async function open(machine: Machine, compaction: CompactionOptions): Promise<LogStore> {
  return openStore(machine, { durability: 'none', compaction });
}

async function overwrite(store: LogStore, times: number, keys: number = KEYS): Promise<void> {
  for (let time = 1; time <= times; time++) {
    const value = `${time}`.padEnd(60, '.');
    await Promise.all(Array.from({ length: keys }, (_, n) => store.put(keyOf(n), value)));
  }
  await store.flush();
}

/** Lets time pass, in steps, until `isDone`; returns how much has. */
async function passUntil({ clock }: Machine, stepMs: number, isDone: () => boolean) {
  for (let passed = 0; passed < 600_000; passed += stepMs) {
    if (isDone()) return passed;
    clock.pass(stepMs);
    await turns(80);
  }
  throw new Error('it never comes to an end');
}

describe('compaction by itself', () => {
  it('wins space back from what was overwritten, and rests then', async () => {
    const machine = new Machine();
    const store = await open(machine, { bytesPerSecond: 0 });
    await overwrite(store, 8);
    const { bytes } = store.stats();
    await passUntil(machine, 1_000, () => store.stats().bytes < bytes / 3);
    for (let n = 0; n < KEYS; n++)
      expect(textOf(store.getSync(keyOf(n)))).toBe('8'.padEnd(60, '.'));
    const seen: object[] = [];
    for (let time = 0; time < 10; time++) {
      machine.clock.pass(10_000);
      await turns(80);
      seen.push(store.stats().compaction);
    }
    expect(seen[9]).toEqual(seen[5]);
    expect(store.stats().bytes).toBeLessThan(store.stats().liveBytes * 2);
    await store.close();
  });

  it('goes on where a store was closed, also one of a time before compaction', async () => {
    const machine = new Machine();
    const old = await open(machine, { automatic: false });
    await overwrite(old, 8);
    await old.close();
    expect(machine.vfs.paths.some((path) => path.endsWith('manifest'))).toBe(false);
    const store = await open(machine, { bytesPerSecond: 0 });
    const { bytes } = store.stats();
    await passUntil(machine, 1_000, () => store.stats().bytes < bytes / 3);
    expect(machine.vfs.paths.some((path) => path.endsWith('manifest'))).toBe(true);
    await store.close();
    const again = await open(machine, { automatic: false });
    expect(again.stats().keys).toBe(KEYS);
    await again.close();
  });

  it('does not happen where it is not wanted', async () => {
    const machine = new Machine();
    const store = await open(machine, { automatic: false });
    await overwrite(store, 8);
    for (let time = 0; time < 20; time++) {
      machine.clock.pass(10_000);
      await turns(40);
    }
    expect(store.stats().compaction).toMatchObject({ jobs: 0, bytesWritten: 0, bytesFreed: 0 });
    await store.close();
  });

  it('takes the time that it is given', async () => {
    const machine = new Machine();
    const bytesPerSecond = 100_000;
    const store = await open(machine, { automatic: false, bytesPerSecond });
    // So many that they are looked at in several steps.
    const keys = 9_000;
    await overwrite(store, 1, keys);
    let isDone = false;
    const compacting = store.compact().then(() => {
      isDone = true;
    });
    const passed = await passUntil(machine, 100, () => isDone);
    await compacting;
    const { liveBytes, compaction } = store.stats();
    const wantedMs = ((liveBytes + compaction.bytesWritten) / bytesPerSecond) * 1_000;
    // It waits behind each step, but for the last one, which need not be a full one.
    const stepMs = (wantedMs * 2_048) / keys;
    expect(passed).toBeGreaterThan(wantedMs - 2 * stepMs);
    expect(passed).toBeLessThan(wantedMs + 2 * stepMs);
    await store.close();
  });

  it('refuses a pace that is none', async () => {
    for (const bytesPerSecond of [-1, 0.5, Number.NaN]) {
      const opening = open(new Machine(), { bytesPerSecond });
      await expect(opening).rejects.toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    }
  });
});
