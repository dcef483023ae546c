import { afterEach, expect, it } from 'vitest';
import { MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it('a cluster whose disks are full takes deletes, and what was deleted makes room for others', async () => {
  const options = { segmentSize: 16 * 1024, logRetentionBytes: 4_096 };
  cluster = await MemoryCluster.start(1, options);
  const { client } = cluster;
  const value = 'x'.repeat(1_000);
  const KEYS = 100;
  for (let key = 0; key < KEYS; key++) await client.put(`key ${key}`, value);
  const { vfs } = cluster.disks[0]!;
  vfs.capacityBytes = vfs.usedBytes;
  const put = () => client.put('one more', value, { timeoutMs: 300 });
  await expect(
    (async () => {
      for (;;) await put();
    })(),
  ).rejects.toMatchObject({ code: 'DLE_TIMEOUT', cause: { code: 'DLE_DISK_FULL' } });
  expect(cluster.node(1).status().reason).toBeDefined();
  for (let key = 0; key < KEYS; key++) await client.del(`key ${key}`, { timeoutMs: 20_000 });
  await client.put('one more', value, { timeoutMs: 20_000 });
  expect(cluster.node(1).status().reason).toBeUndefined();
}, 60_000);
