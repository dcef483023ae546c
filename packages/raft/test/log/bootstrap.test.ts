import { systemClock as clock, SeededRandom } from '@dle/common';
import { LogStore } from '@dle/storage';
import { MemVfs } from '@dle/storage/testing';
import { expect, it } from 'vitest';
import { type Configuration, RaftLog } from '../../src/index.js';

it.each<[string, Configuration]>([
  ['nobody', { voters: [] }],
  ['voters out of order', { voters: [2, 1] }],
  ['a learner that votes', { voters: [1, 2], learners: [2] }],
  ['half a change', { voters: [1, 2], outgoing: [1] }],
])('a cluster does not begin with %s', async (_, configuration) => {
  const random = new SeededRandom(1);
  const vfs = new MemVfs({ random, clock });
  const store = await LogStore.open('/node', { replicated: true }, { vfs, clock, random });
  const log = new RaftLog(store);
  await expect(log.bootstrap(configuration)).rejects.toMatchObject({
    code: 'DLE_INVALID_ARGUMENT',
  });
  expect(store.log.lastIndex).toBe(0);
  await log.bootstrap({ voters: [1, 2], learners: [3] });
  expect(await log.latestConfiguration()).toEqual({ voters: [1, 2], learners: [3] });
  expect(await log.recover()).toMatchObject({ term: 1, vote: 0, restarted: false });
  await store.log.whenFlushed(log.saveVote(2, 1, false));
  const again = new RaftLog(store);
  expect(await again.recover()).toMatchObject({ term: 2, vote: 1, restarted: true });
  await store.close();
});
