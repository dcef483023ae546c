import { Client } from '@dle/client';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

const KEYS = 100;

async function start(size: number): Promise<void> {
  cluster = await MemoryCluster.start(size, { segmentSize: 16 * 1024, logRetentionBytes: 4_096 });
  for (let key = 0; key < KEYS; key++) await cluster.client.put(`key ${key}`, 'x'.repeat(1_000));
  await cluster.converged();
}

async function follower(): Promise<number> {
  return (await cluster.leader()) === 1 ? 2 : 1;
}

/** Flips a bit in each record of node `id`. */
async function rot(id: number): Promise<void> {
  const { vfs } = cluster.disks[id - 1]!;
  for (const path of vfs.paths.filter((name) => /\.(segment|sorted)$/.test(name))) {
    const file = vfs.openSync(path);
    for (let at = 500; at < file.size(); at += 1_000) {
      const byte = new Uint8Array(1);
      file.readSync(byte, at);
      file.writeSync([Uint8Array.of(byte[0]! ^ 4)], at);
    }
    await file.close();
  }
}

/** Reads all keys at node `id` alone; how many were answered, and were right. */
async function readAt(id: number): Promise<number> {
  const client = new Client({}, { endpoints: [cluster.addresses[id - 1]!] });
  let right = 0;
  try {
    for (let key = 0; key < KEYS; key++) {
      const value = await client
        .get(`key ${key}`, { level: 'stale', timeoutMs: 100 })
        .catch(() => 'refused' as const);
      if (value === 'refused') break;
      expect(value && Buffer.from(value).toString()).toBe('x'.repeat(1_000));
      right++;
    }
  } finally {
    await client.close();
  }
  return right;
}

const isWhole = (id: number): true | undefined => {
  const { repair } = cluster.node(id).status();
  return repair.repaired > 0 && repair.damage === undefined ? true : undefined;
};

describe('a node that finds its data damaged', () => {
  it('is whole again, and shows nothing wrong or old meanwhile', async () => {
    await start(3);
    const id = await follower();
    await rot(id);
    await eventually('a read that meets it', async () => {
      await readAt(id);
      return cluster.node(id).status().repair.damage;
    });
    await eventually('a whole node', async () => {
      await readAt(id);
      return isWhole(id);
    });
    expect(await readAt(id)).toBe(KEYS);
    expect(cluster.setAside(id)).toEqual([]);
  }, 60_000);

  it('is made whole for what a scrub has found, before anybody reads it', async () => {
    await start(3);
    const id = await follower();
    await rot(id);
    await cluster.node(id).internals.store.scrub();
    await eventually('a whole node', () => isWhole(id));
    await cluster.converged();
    expect(await readAt(id)).toBe(KEYS);
  }, 60_000);

  it('is made whole where the file that it writes to is gone', async () => {
    await start(3);
    const id = await follower();
    const { vfs } = cluster.disks[id - 1]!;
    const newest = vfs.paths
      .filter((path) => path.endsWith('.segment'))
      .sort()
      .at(-1)!;
    await vfs.unlink(newest);
    await cluster.node(id).internals.store.scrub();
    await eventually('a whole node', () => isWhole(id));
    await cluster.client.put('after', 'it');
    await cluster.converged();
    expect(await readAt(id)).toBe(KEYS);
  }, 60_000);

  it('keeps what it has while it may be needed, and says so, and is repaired later', async () => {
    await start(3);
    const id = await follower();
    const leader = await cluster.leader();
    const third = [1, 2, 3].find((other) => other !== id && other !== leader)!;
    await cluster.stopNode(third);
    await rot(id);
    await eventually('an obstacle', async () => {
      await readAt(id);
      return cluster.node(id).status().repair.obstacle;
    });
    // With two of three, writes go on.
    await cluster.client.put('more', '1');
    expect(cluster.setAside(id)).toEqual([]);
    await cluster.startNode(third);
    await eventually('a whole node', () => isWhole(id));
    expect(await readAt(id)).toBe(KEYS);
  }, 60_000);

  it('stops at a start that nobody can help with, and has touched nothing', async () => {
    await start(1);
    await cluster.stopNode(1);
    await rot(1);
    const before = [...cluster.disks[0]!.vfs.paths];
    await expect(cluster.startNode(1)).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
    const after = cluster.disks[0]!.vfs.paths.filter((path) => !path.includes('lock'));
    expect(after).toEqual(before.filter((path) => !path.includes('lock')));
  });
});
