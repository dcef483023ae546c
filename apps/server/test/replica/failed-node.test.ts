import { Client } from '@dle/client';
import { toText } from '@dle/common';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

/** Has the disk of node `id` fail twice, the second time as soon as it has been opened anew. */
async function fail(id: number): Promise<void> {
  const before = await cluster.failLog(id);
  await eventually('a node that has opened its data anew', () => {
    const { consensus } = cluster.node(id).internals;
    return (consensus !== undefined && consensus !== before) || undefined;
  });
  await cluster.failLog(id);
  await eventually('a node that has failed', () => {
    return cluster.node(id).status().role === 'failed' || undefined;
  });
}

/** A client that asks node `first` before the others. */
function clientThatBeginsAt(first: number): Client {
  const endpoints = cluster.addresses.toSpliced(first - 1, 1);
  const random = { nextUint32: () => 0 };
  return new Client({ random }, { endpoints: [cluster.addresses[first - 1]!, ...endpoints] });
}

const OPERATIONS: readonly [string, (client: Client) => Promise<unknown>][] = [
  ['put', (client) => client.put('key', 'value')],
  ['del', (client) => client.del('nobody')],
  ['linearizable get', (client) => client.get('key')],
  ['lease get', (client) => client.get('key', { level: 'lease' })],
  ['follower get', (client) => client.get('key', { level: 'follower' })],
  ['stale get', (client) => client.get('key', { level: 'stale' })],
  ['dump', (client) => client.dump().next()],
  ['follower dump', (client) => client.dump({ level: 'follower' }).next()],
];

describe.each(['follower', 'leader'])('a %s that has failed', (role) => {
  it('keeps no client from what the others can do, whichever node it knows first', async () => {
    cluster = await MemoryCluster.start(3);
    await cluster.client.put('key', 'value');
    const leader = await cluster.leader();
    const failed = role === 'leader' ? leader : (leader % 3) + 1;
    await fail(failed);
    await cluster.leader();
    for (const [operation, perform] of OPERATIONS) {
      const fresh = clientThatBeginsAt(failed);
      const alone = cluster.clientOf(failed);
      // It asks this node first, before it is connected to any other.
      await fresh.status(cluster.addresses[failed - 1]);
      for (const client of operation.startsWith('follower') ? [fresh] : [fresh, alone]) {
        await expect(perform(client), operation).resolves.not.toThrow();
        await client.close();
      }
      await alone.close();
    }
  });
});

it('a node that has failed says why, to those who know nobody else, and serves stale reads', async () => {
  cluster = await MemoryCluster.start(3);
  await cluster.client.put('key', 'value');
  await cluster.converged();
  const failed = ((await cluster.leader()) % 3) + 1;
  await fail(failed);
  for (const id of [1, 2, 3]) if (id !== failed) await cluster.stopNode(id);
  const client = cluster.clientOf(failed);
  expect(toText((await client.get('key', { level: 'stale' }))!)).toBe('value');
  const refused = client.put('key', 'other', { timeoutMs: 500 });
  await expect(refused).rejects.toMatchObject({
    code: 'DLE_TIMEOUT',
    effect: 'none',
    message: expect.stringMatching(
      `DLE_UNAVAILABLE: node ${failed} has failed.*DLE_STORAGE_POISONED: .*flush`,
    ),
    cause: { code: 'DLE_UNAVAILABLE', details: { failure: 'DLE_STORAGE_POISONED' } },
  });
  await client.close();
});

it('a node that has failed and is alone says so at once', async () => {
  cluster = await MemoryCluster.start(1);
  await cluster.client.put('key', 'value');
  await fail(1);
  const failure = { code: 'DLE_STORAGE_POISONED', retryable: false, effect: 'none' };
  await expect(cluster.client.put('key', 'other')).rejects.toMatchObject(failure);
  await expect(cluster.client.get('key')).rejects.toMatchObject(failure);
  expect(toText((await cluster.client.get('key', { level: 'stale' }))!)).toBe('value');
});
