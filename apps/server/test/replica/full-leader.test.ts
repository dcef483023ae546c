import { afterEach, expect, it } from 'vitest';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it('a leader whose disk stays full hands over, says why, and follows when there is room', async () => {
  cluster = await MemoryCluster.start(3, { segmentSize: 16 * 1024 });
  const { client } = cluster;
  await client.put('before', 'it was full');
  const full = await cluster.leader();
  const { vfs } = cluster.disks[full - 1]!;
  vfs.capacityBytes = vfs.usedBytes;
  const value = 'x'.repeat(4_000);
  for (let key = 0; key < 20; key++) await client.put(`key ${key}`, value, { timeoutMs: 20_000 });
  expect(await cluster.leader()).not.toBe(full);
  const { reason, role } = cluster.node(full).status();
  expect([role, reason]).toEqual(['follower', expect.stringContaining('ENOSPC')]);
  vfs.capacityBytes = Number.POSITIVE_INFINITY;
  await cluster.converged();
  await eventually('nothing to complain of', () => {
    return cluster.node(full).status().reason === undefined || undefined;
  });
}, 60_000);
