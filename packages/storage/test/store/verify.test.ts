import { describe, expect, it } from 'vitest';
import type { VerifyReport } from '../../src/index.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore } from '../support/stores.js';

const QUIET = { idleFlushMs: 60_000, compaction: { automatic: false } } as const;
/** So many calls, each of which fails in one run, take the log through some segments. */
const CALLS = 24;

/** Verifies a store whose disk fails in its `call`th write or flush; `undefined`: no harm was done. */
async function verifyPoisoned(
  fault: 'failWrite' | 'failFlush',
  call: number,
): Promise<VerifyReport | undefined> {
  const machine = new Machine(call);
  await using store = await openStore(machine, QUIET);
  machine.vfs.plan({ [fault]: call });
  for (let n = 0; n < 2 * CALLS && !store.stats().poisoned; n++) {
    // Those of one turn begin several segments.
    const values = Array.from({ length: 1 + (n % 3) }, (_, place) => `${n} ${place}`.repeat(400));
    await Promise.allSettled(values.map((value) => store.put(`key ${value.length}`, value)));
  }
  return store.stats().poisoned ? store.verify() : undefined;
}

describe('what verify says of a poisoned store', () => {
  it.each(['failWrite', 'failFlush'] as const)(
    'is no damage, whichever fails: %s',
    async (fault) => {
      let poisoned = 0;
      let heads = 0;
      for (let call = 1; call <= CALLS; call++) {
        const report = await verifyPoisoned(fault, call);
        if (report === undefined) continue;
        expect(report.damage, `call ${call}`).toEqual([]);
        poisoned++;
        heads += report.harmless.filter(({ offset }) => offset < 64).length;
      }
      expect(poisoned).toBeGreaterThan(3);
      expect(heads).toBeGreaterThan(0);
    },
  );

  it('is no damage, if it is poisoned meanwhile', async () => {
    let poisoned = 0;
    for (let wait = 0; wait < 40; wait++) {
      const machine = new Machine(wait);
      await using store = await openStore(machine, QUIET);
      for (let n = 0; n < 8; n++) await store.put(`key ${n}`, 'x'.repeat(1_500));
      await store.verify();
      const verifying = store.verify();
      await turns(wait);
      // The first write takes the space, the second puts something there.
      machine.vfs.plan({ failWrite: 2 });
      await Promise.allSettled([store.put('key', 'x'.repeat(3_000))]);
      if (store.stats().poisoned) poisoned++;
      expect((await verifying.catch(() => store.verify())).damage, `${wait}`).toEqual([]);
    }
    expect(poisoned).toBeGreaterThan(10);
  });

  it('is damage, where what has been flushed is harmed', async () => {
    const machine = new Machine();
    await using store = await openStore(machine, QUIET);
    for (let n = 0; n < 8; n++) await store.put(`key ${n}`, 'x'.repeat(1_500));
    // Key directories are flushed as well.
    await store.verify();
    machine.vfs.plan({ failFlush: 1 });
    await expect(store.put('key', 'value')).rejects.toMatchObject({ code: 'DLE_STORAGE_POISONED' });
    expect((await store.verify()).damage).toEqual([]);
    const segments = await machine.segments();
    for (const path of segments) {
      machine.vfs.flipBit(path, 20, 1);
      expect((await store.verify()).damage, path).toMatchObject([{ file: path, offset: 0 }]);
      machine.vfs.flipBit(path, 20, 1);
    }
    expect(segments.length).toBeGreaterThan(3);
    expect(segments[0]).toContain(DIRECTORY);
  });
});

describe('what verify says of a sealed segment', () => {
  it('is harmless where what lies behind the last frame has changed', async () => {
    const machine = new Machine();
    await using store = await openStore(machine, QUIET);
    for (let n = 0; n < 8; n++) await store.put(`key ${n}`, 'x'.repeat(1_500));
    await store.verify();
    const [path] = await machine.segments();
    const content = machine.vfs.contentOf(path!);
    expect(content.at(-1)).toBe(0);
    machine.vfs.flipBit(path!, content.length - 1, 1);
    const { damage, harmless } = await store.verify();
    expect(damage).toEqual([]);
    expect(harmless).toMatchObject([{ file: path }]);
  });
});
