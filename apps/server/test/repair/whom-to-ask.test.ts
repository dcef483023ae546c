import { silentLogger } from '@dle/common';
import { afterEach, it } from 'vitest';
import { createNode } from '../../src/index.js';
import { readIdentity } from '../../src/repair/identity.js';
import { diskOf } from '../support/disk.js';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it('a node notes who votes, and whom to ask, and so again when that changes', async () => {
  cluster = await MemoryCluster.start(3);
  const noted = async (id: number) => {
    const { vfs } = cluster.disks[id - 1]!;
    const identity = await readIdentity({ vfs, logger: silentLogger }, `/data/node-${id}`);
    return identity && { voters: identity.voters, addresses: identity.addresses };
  };
  const expectNoted = (id: number, voters: number[], addresses: readonly string[]) =>
    eventually('members that are noted', async () => {
      return JSON.stringify(await noted(id)) === JSON.stringify({ voters, addresses }) || undefined;
    });
  for (const id of [1, 2, 3]) await expectNoted(id, [1, 2, 3], cluster.addresses);
  const learner = await createNode({ id: 4, port: 0, join: true, dataDir: '/data' }, diskOf(4));
  try {
    await cluster.client.addMember(4, learner.address);
    const all = [...cluster.addresses, learner.address];
    for (const id of [1, 2, 3]) await expectNoted(id, [1, 2, 3], all);
  } finally {
    await learner.close();
  }
});
