import type { Client } from '@dle/client';
import { DleError, toText } from '@dle/common';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

const NEEDLE = 'the value of the needle';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

describe('a leader that cannot read what it holds, and leads on', () => {
  it.each(['linearizable', 'lease'] as const)('keeps no %s read from the others', async (level) => {
    cluster = await MemoryCluster.start(3);
    await cluster.client.put('needle', NEEDLE);
    const leader = await cluster.leader();
    const { raft } = cluster.node(leader).internals.consensus!;
    raft.transfer = (_, settle) => settle(new DleError('DLE_TRANSFER_FAILED', 'nobody'), 0);
    cluster.damage(leader, NEEDLE);
    for (const id of [1, 2, 3]) {
      const client = cluster.clientOf(id);
      expect(toText((await client.get('needle', { level }))!)).toBe(NEEDLE);
      await client.close();
    }
    expect(toText((await cluster.client.get('needle', { level }))!)).toBe(NEEDLE);
    expect(await cluster.leader()).toBe(leader);
  });
});

describe('a dump that meets damage', () => {
  it.each([1, 3])('ends in what it has met, in a cluster of %i', async (size) => {
    cluster = await MemoryCluster.start(size);
    const { client } = cluster;
    const large = 'x'.repeat(200_000);
    for (let key = 0; key < 15; key++) await client.put(`key ${key}`, large);
    await client.put('needle', NEEDLE);
    await cluster.converged();
    const id = await cluster.leader();
    const pairs = client.dump();
    await pairs.next();
    cluster.damage(id, NEEDLE);
    const ended = (async () => {
      for await (const _ of pairs);
    })();
    await expect(ended).rejects.toMatchObject({
      code: 'DLE_CURSOR_LOST',
      effect: 'none',
      message: expect.stringContaining('DLE_CORRUPT'),
      details: { failure: 'DLE_CORRUPT' },
    });
    if (size === 1) return;
    // Until somebody else leads, it may meet the same again.
    const seen = await eventually('a whole dump', () => countOf(client).catch(() => undefined));
    expect(seen).toBe(16);
  });
});

async function countOf(client: Client): Promise<number> {
  let count = 0;
  for await (const _ of client.dump()) count++;
  return count;
}
