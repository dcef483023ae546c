import { toBytes } from '@dle/common';
import { lostDataStates, RaftLog } from '@dle/raft';
import { LogStore } from '@dle/storage';
import { EntryBatchBuilder } from '@dle/storage/internal';
import { describe, expect, it } from 'vitest';
import { beginFreshStore, endFreshStore, finishFreshStore } from '../../src/repair/fresh-store.js';
import { diskOf } from '../support/disk.js';

const DIRECTORY = '/node';
const OPTIONS = { replicated: true, segmentSize: 4_096 };
const CEILING = 1_000;
const IN_TIME = Number.POSITIVE_INFINITY;
const STATES = lostDataStates(new Map([['cluster', toBytes('c')]]), CEILING);

/** A store that holds something; its id. */
async function damagedStore(disk: ReturnType<typeof diskOf>, value = 'value'): Promise<string> {
  const store = await LogStore.open(DIRECTORY, OPTIONS, disk);
  const builder = new EntryBatchBuilder(1, 1);
  builder.put(toBytes('key'), toBytes(value));
  builder.endEntry();
  store.log.append(builder.finish());
  await store.flush();
  const { storeId } = store.log;
  await store.close();
  return storeId;
}

describe('a fresh store', () => {
  it('is the same member without its data, wherever the machine crashes while it is made', async () => {
    let crashes = 0;
    for (let at = 1, over = false; !over; at++) {
      const disk = diskOf(at);
      const storeId = await damagedStore(disk);
      const names = await disk.vfs.list(DIRECTORY);
      const files = names.filter((name) => !name.startsWith('lock')).sort();
      const kind = at % 2 === 0 ? 'killAtOperation' : 'crashAtOperation';
      disk.vfs.plan({ [kind]: at });
      const fresh = { storeId, states: STATES };
      await beginFreshStore(disk, DIRECTORY, fresh, 'it rots', IN_TIME).catch(() => undefined);
      over = !disk.vfs.down;
      if (!over) crashes++;
      disk.vfs.restart();
      const damage = await finishFreshStore(disk, DIRECTORY);
      const store = await LogStore.open(DIRECTORY, OPTIONS, disk);
      expect(store.log.storeId).toBe(storeId);
      if (damage === undefined) {
        // It had not begun: the old one is there, and nothing is lost.
        expect(over).toBe(false);
        expect(store.log.lastIndex).toBe(1);
      } else {
        expect(damage).toBe('it rots');
        expect(store.log.lastIndex).toBe(0);
        expect(store.log.localStates()).toEqual(STATES);
        const { term, vote, lostData } = await new RaftLog(store).recover();
        expect({ vote, lostData }).toEqual({ vote: 0, lostData: true });
        expect(term).toBeGreaterThan(CEILING);
        // All of them, whatever had been moved when it crashed.
        const aside = disk.vfs.paths.filter((path) => path.includes('/damaged/'));
        expect(aside.map((path) => path.split('/').at(-1)).sort()).toEqual(files);
      }
      await store.close();
      await endFreshStore(disk.vfs, DIRECTORY);
      expect(disk.vfs.paths.filter((path) => /damaged|repair$/.test(path))).toEqual([]);
      expect(await finishFreshStore(disk, DIRECTORY)).toBeUndefined();
    }
    expect(crashes).toBeGreaterThan(20);
  });

  it('touches nothing where it is too late', async () => {
    const disk = diskOf(1);
    const storeId = await damagedStore(disk);
    const before = [...disk.vfs.paths];
    const late = disk.clock.now() - 1;
    const fresh = { storeId, states: STATES };
    expect(await beginFreshStore(disk, DIRECTORY, fresh, 'it rots', late)).toBe(false);
    expect(disk.vfs.paths).toEqual(before);
  });

  it('keeps what was set aside first, where it is damaged again before it is whole', async () => {
    const disk = diskOf(1);
    const storeId = await damagedStore(disk);
    await beginFreshStore(disk, DIRECTORY, { storeId, states: STATES }, 'it rots', IN_TIME);
    const aside = disk.vfs.paths.filter((path) => path.includes('/damaged/'));
    await beginFreshStore(disk, DIRECTORY, { storeId, states: STATES }, 'again', IN_TIME);
    expect(disk.vfs.paths.filter((path) => path.includes('/damaged/'))).toEqual(aside);
    expect(await finishFreshStore(disk, DIRECTORY)).toBe('again');
  });

  it('takes the room of the damaged files where there is no other', async () => {
    const disk = diskOf(1);
    const storeId = await damagedStore(disk, 'x'.repeat(5 * 1024 ** 2));
    const { vfs } = disk;
    vfs.capacityBytes = vfs.usedBytes + 10_000;
    const fresh = { storeId, states: STATES };
    expect(await beginFreshStore(disk, DIRECTORY, fresh, 'it rots', IN_TIME)).toBe(true);
    expect(vfs.paths.filter((path) => path.includes('/damaged/'))).toEqual([]);
    const store = await LogStore.open(DIRECTORY, OPTIONS, disk);
    expect(store.log.localStates()).toEqual(STATES);
    await store.close();
  });
});
