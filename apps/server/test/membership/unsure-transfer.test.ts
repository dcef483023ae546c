import { DleError } from '@dle/common';
import { afterEach, expect, it } from 'vitest';
import { MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it('a transfer whose leader fails meanwhile may have been made, and is not asked of the next', async () => {
  cluster = await MemoryCluster.start(3);
  await cluster.converged();
  const asked: number[] = [];
  for (const id of [1, 2, 3]) {
    const { raft } = cluster.node(id).internals.consensus!;
    raft.transfer = (_, settle) => {
      asked.push(id);
      raft.stop(new DleError('DLE_STORAGE_POISONED', 'the disk has failed'));
      settle(raft.stopped, 0);
    };
  }
  const leader = await cluster.leader();
  await expect(cluster.client.transferLeadership()).rejects.toMatchObject({
    code: 'DLE_OUTCOME_UNKNOWN',
    effect: 'unknown',
    message: expect.stringContaining('the disk has failed'),
  });
  expect(asked).toEqual([leader]);
});
