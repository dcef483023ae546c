import { Client } from '@dle/client';
import { toText } from '@dle/common';
import { afterEach, expect, it } from 'vitest';
import { createNode } from '../../src/index.js';
import { diskOf } from '../support/disk.js';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

const NEEDLE = 'the value of the needle';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it('a node is not harmed by what another one has met', async () => {
  cluster = await MemoryCluster.start(1);
  await cluster.client.put('needle', NEEDLE);
  const learnersDisk = diskOf(2);
  const learner = await createNode({ id: 2, port: 0, join: true, dataDir: '/data' }, learnersDisk);
  const client = new Client({}, { endpoints: [learner.address] });
  try {
    await cluster.client.addMember(2, learner.address);
    const { lastIndex } = cluster.node(1).status();
    await eventually('a learner that has all', () => {
      return learner.status().applied >= lastIndex ? true : undefined;
    });
    cluster.damage(1, NEEDLE);
    // The leader has nobody else to be made whole from; whoever passes its failure on can read.
    expect(toText((await client.get('needle'))!)).toBe(NEEDLE);
    expect(learner.status().repair).toEqual({ repairing: false, repaired: 0 });
    expect(learnersDisk.vfs.paths.filter((path) => path.includes('/damaged/'))).toEqual([]);
    expect(toText((await client.get('needle', { level: 'stale' }))!)).toBe(NEEDLE);
  } finally {
    await client.close();
    await learner.close();
  }
});
