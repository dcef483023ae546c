import { type Clock, crc32, systemClock, toText } from '@dle/common';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

const NEEDLE = 'the value of the needle';

let cluster: MemoryCluster;

afterEach(() => cluster.close());

/** A cluster that holds something. */
async function start(size = 3): Promise<void> {
  cluster = await MemoryCluster.start(size);
  await cluster.client.put('needle', NEEDLE);
  for (let key = 0; key < 20; key++) await cluster.client.put(`key ${key}`, `value ${key}`);
  await cluster.converged();
}

function read(key: string): Promise<string | undefined> {
  return cluster.client.get(key).then((value) => value && toText(value));
}

async function untilWhole(id: number): Promise<void> {
  await eventually('a node that is whole', () => {
    const { repair } = cluster.node(id).status();
    return repair.repaired > 0 && repair.damage === undefined && !repair.repairing
      ? true
      : undefined;
  });
  await cluster.converged();
  const client = cluster.clientOf(id);
  expect(toText((await client.get('needle', { level: 'stale' }))!)).toBe(NEEDLE);
  await client.close();
  expect(cluster.setAside(id)).toEqual([]);
}

/** Has node `id` notice that it is damaged, which it tells nobody as data. */
async function readNeedle(id: number): Promise<void> {
  const client = cluster.clientOf(id);
  try {
    const value = await client.get('needle', { level: 'stale', timeoutMs: 300 });
    // It has been made whole meanwhile.
    expect(toText(value!)).toBe(NEEDLE);
  } catch (thrown) {
    expect(thrown).toMatchObject({ cause: { code: 'DLE_UNAVAILABLE' } });
  } finally {
    await client.close();
  }
}

describe('a leader that finds itself damaged', () => {
  it.each([2, 3])('hands over, and is made whole, in a cluster of %i', async (size) => {
    await start(size);
    const id = await cluster.leader();
    cluster.damage(id, NEEDLE);
    await readNeedle(id);
    await untilWhole(id);
    expect(await read('needle')).toBe(NEEDLE);
  });

  it('keeps what it has while it is needed', async () => {
    await start();
    const id = await cluster.leader();
    const away = (id % 3) + 1;
    await cluster.stopNode(away);
    await cluster.client.put('while one is away', 'yes');
    cluster.damage(id, NEEDLE);
    await readNeedle(id);
    await eventually('an obstacle', () => cluster.node(id).status().repair.obstacle);
    // It goes on acknowledging, and loses nothing of what is whole.
    await cluster.client.put('while one is damaged', 'yes');
    expect(await read('key 7')).toBe('value 7');
    expect(cluster.node(id).status().repair).toMatchObject({ repairing: false, repaired: 0 });
    expect(cluster.setAside(id)).toEqual([]);
    await cluster.startNode(away);
    await untilWhole(id);
    expect(await read('while one is damaged')).toBe('yes');
  });
});

describe('a node that is damaged when it starts', () => {
  it('is made whole by the others', async () => {
    await start();
    const id = ((await cluster.leader()) % 3) + 1;
    await cluster.stopNode(id);
    cluster.damage(id, NEEDLE);
    await cluster.startNode(id);
    await untilWhole(id);
  });

  it('touches no file, and stops, where nobody says that it can be spared', async () => {
    await start();
    for (const id of [1, 2]) {
      await cluster.stopNode(id);
      cluster.damage(id, NEEDLE);
    }
    const filesOf = (id: number) => {
      const { vfs } = cluster.disks[id - 1]!;
      return new Map(vfs.paths.map((path) => [path, crc32(vfs.contentOf(path))]));
    };
    const before = [1, 2].map(filesOf);
    const starts = [1, 2].map((id) => cluster.startNode(id, hurried()));
    for (const start of starts) {
      await expect(start).rejects.toMatchObject({
        code: 'DLE_CORRUPT',
        message: expect.stringContaining('the other members'),
      });
    }
    expect([1, 2].map(filesOf)).toEqual(before);
  });
});

/** A clock on which half a minute is over soon. */
function hurried(): Clock {
  const times = 15;
  return {
    ...systemClock,
    now: () => systemClock.now() * times,
    setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs / times),
  };
}
