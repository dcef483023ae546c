import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { flipEverything, IS_THOROUGH } from '../support/flips.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { openStore } from '../support/stores.js';

/** Overwrites and deletes keys, `from` to `to` of such writes. */
async function write(
  store: LogStore,
  model: Map<string, string>,
  from: number,
  to: number,
): Promise<void> {
  for (let i = from; i < to; i++) {
    const key = `key ${i % 17}`;
    const value = `${i}`.padEnd(90 + (i % 90), '.');
    if (i % 7 === 6) {
      await store.del(key);
      model.delete(key);
    } else {
      await store.put(key, value);
      model.set(key, value);
    }
  }
}

const endingIn = async ({ vfs }: Machine, end: string): Promise<number> =>
  (await vfs.list(DIRECTORY)).filter((name) => name.endsWith(end)).length;

describe('a store in which any one byte has changed', () => {
  it('never gives wrong data, and says which file it is and where', async () => {
    const machine = new Machine();
    const model = new Map<string, string>();
    const store = await openStore(machine);
    await write(store, model, 0, 36);
    await store.close();
    expect(await endingIn(machine, '.directory')).toBeGreaterThan(1);
    // Of four bytes in a row at least one gets its turn: hardly any field is shorter.
    const outcomes = await flipEverything(machine, model, { step: 3 });
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(outcomes.found).toBeGreaterThan(0);
    expect(outcomes.harmless).toBeGreaterThan(0);
  }, 300_000);

  it('does the same when it has been compacted, and written to since', async () => {
    const machine = new Machine();
    const model = new Map<string, string>();
    const store = await openStore(machine, { compaction: { automatic: false } });
    await write(store, model, 0, 36);
    await store.compact();
    await write(store, model, 36, 64);
    await store.close();
    expect(await endingIn(machine, '.sorted')).toBe(1);
    expect(await endingIn(machine, 'manifest')).toBe(1);
    expect(await endingIn(machine, '.segment')).toBeGreaterThan(1);
    const outcomes = await flipEverything(machine, model, { chosen: /manifest|sorted/ });
    // All of the manifest.
    expect(outcomes.refused).toBeGreaterThan(IS_THOROUGH ? 160 : 10);
    expect(outcomes.found).toBeGreaterThan(IS_THOROUGH ? 1_000 : 60);
    expect(outcomes.harmless).toBeGreaterThan(0);
  }, 300_000);
});
