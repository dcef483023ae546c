import { afterEach, expect, it } from 'vitest';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

it.each([1, 3])('%i nodes whose disks fail once go on with what they have', async (size) => {
  cluster = await MemoryCluster.start(size);
  const { client, disks, nodes } = cluster;
  for (let key = 0; key < 20; key++) await client.put(`key ${key}`, `value ${key}`);
  await cluster.converged();
  for (const { vfs } of disks) vfs.plan({ failFlush: 1 });
  // It may or may not be there.
  await client.put('last', 'words').catch(() => undefined);
  await eventually('nodes that take part', () => {
    const roles = nodes.map((node) => node!.status().role);
    return roles.every((role) => role === 'leader' || role === 'follower') ? true : undefined;
  });
  await client.put('after', 'it');
  for (let key = 0; key < 20; key++) {
    expect(Buffer.from((await client.get(`key ${key}`))!).toString()).toBe(`value ${key}`);
  }
  for (const node of nodes) {
    expect(node!.status().repair).toEqual({ repairing: false, repaired: 0 });
    expect(cluster.setAside(node!.status().node)).toEqual([]);
  }
});

it('a node whose disk fails again at once rests, and says so', async () => {
  cluster = await MemoryCluster.start(1);
  const ended = await cluster.failLog(1);
  await eventually('a leader', () => {
    const isAnew = cluster.node(1).internals.consensus !== ended;
    return isAnew && cluster.node(1).status().role === 'leader' ? true : undefined;
  });
  await cluster.client.put('key', 'value');
  await cluster.failLog(1);
  await eventually('a node that takes no part', () => {
    return cluster.node(1).status().role === 'failed' ? true : undefined;
  });
  expect(cluster.node(1).status().reason).toMatch(/flush .*; it opens its data anew in \d+ s$/);
  expect(cluster.setAside(1)).toEqual([]);
});
