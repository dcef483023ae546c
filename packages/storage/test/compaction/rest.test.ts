import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { turns } from '../support/manual-clock.js';
import { openStore, textOf } from '../support/stores.js';

/** What compaction had done each time, while so much time passes that it may do more. */
async function watch({ clock }: Machine, store: LogStore, times: number) {
  const seen: ReturnType<LogStore['stats']>['compaction'][] = [];
  for (let time = 0; time < times; time++) {
    clock.pass(6_000);
    await turns(60);
    seen.push(store.stats().compaction);
  }
  return seen;
}

const LONG = 'v'.repeat(900);

/** A segment of deletes, and behind it some of which all counts. */
async function fill(store: LogStore): Promise<void> {
  for (let n = 0; store.log.activeSegment === 1; n++) await store.del(`deleted ${n}`);
  for (let n = 0; n < 30; n++) await store.put(`key ${n}`, LONG);
  await store.verify();
}

describe('compaction comes to rest', () => {
  it('where deletes have to stay, for nobody knows the keys of a segment', async () => {
    const machine = new Machine();
    machine.vfs.unwritable = (path) => path.includes('0000000000000002.directory');
    const store = await openStore(machine);
    await fill(store);
    const names = await machine.vfs.list(DIRECTORY);
    expect(names).toContain('0000000000000003.directory');
    expect(names).not.toContain('0000000000000002.directory');
    const seen = await watch(machine, store, 12);
    expect(seen[11]).toEqual(seen[6]);
    await store.close();
  });

  it.each([
    ['until the next start, for it cannot be made again', true],
    ['and is made again', false],
  ])('where the key directory of a file that stays is damaged, %s', async (_, stays) => {
    const machine = new Machine();
    const store = await openStore(machine);
    // All in segment 1 counts, but for an old value that a delete in a later one hides.
    await store.put('hidden', 'old');
    for (let n = 0; n < 3; n++) await store.put(`key ${n}`, LONG);
    for (let n = 0; n < 24; n++) {
      await store.put(`overwritten ${n % 12}`, LONG);
      if (n === 6) await store.del('hidden');
    }
    await store.verify();
    machine.vfs.flipBit(`${DIRECTORY}/0000000000000001.directory`, 200, 1);
    if (stays) machine.vfs.unwritable = (path) => path.includes('0000000000000001.directory');
    const seen = await watch(machine, store, 12);
    expect(seen[11]).toEqual(seen[6]);
    expect(seen[11]!.bytesFreed).toBeGreaterThan(0);
    await store.close();
    machine.vfs.unwritable = () => false;
    const again = await openStore(machine);
    expect(again.stats().directories.damaged).toBe(stays ? 1 : 0);
    // The deletes that it may need have been kept.
    expect(textOf(again.getSync('hidden'))).toBeUndefined();
    await again.close();
  });
});
