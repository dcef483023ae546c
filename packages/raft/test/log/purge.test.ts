import { systemClock as clock, type DleError, SeededRandom, toBytes } from '@dle/common';
import { LogStore } from '@dle/storage';
import { MemVfs } from '@dle/storage/testing';
import { expect, it } from 'vitest';
import { type LogBase, RaftLog } from '../../src/index.js';

const CONFIGURATION = { index: 1, configuration: { voters: [1] } };

/** A log of three entries that are applied, and what it tells of failures. */
async function opened() {
  const random = new SeededRandom(1);
  const vfs = new MemVfs({ random, clock });
  const store = await LogStore.open('/node', { replicated: true }, { vfs, clock, random });
  const log = new RaftLog(store);
  const failures: DleError[] = [];
  log.listen(
    () => {},
    (error) => failures.push(error),
  );
  await log.bootstrap({ voters: [1] });
  log.saveVote(2, 1, false);
  for (const index of [2, 3]) {
    const key = toBytes(`${index}`);
    log.appendProposed([{ bytes: 72, write: (builder) => builder.put(key, key) }], index, 2);
  }
  await store.log.whenFlushed(store.log.accepted);
  log.setCommit(3);
  store.apply(3);
  const purged = async (base: LogBase): Promise<number> => {
    log.purge(base);
    for (let turns = 0; turns < 50; turns++) await new Promise((turn) => setImmediate(turn));
    return store.floor.index;
  };
  return { store, vfs, failures, purged };
}

it('a full disk puts a purge off, and is no failure', async () => {
  const { store, vfs, failures, purged } = await opened();
  vfs.capacityBytes = 0;
  expect(await purged({ index: 2, term: 2, configuration: CONFIGURATION })).toBe(0);
  vfs.capacityBytes = Number.POSITIVE_INFINITY;
  expect(await purged({ index: 3, term: 2, configuration: CONFIGURATION })).toBe(3);
  expect(failures).toEqual([]);
  await store.close();
});

it('a purge of what is not in the log, or not applied, fails the log: somebody is wrong', async () => {
  for (const base of [
    { index: 2, term: 7 },
    { index: 9, term: 2 },
  ]) {
    const { store, failures, purged } = await opened();
    expect(await purged({ ...base, configuration: CONFIGURATION })).toBe(0);
    expect(failures).toMatchObject([{ code: 'DLE_INVALID_ARGUMENT' }]);
    await store.close();
  }
});
