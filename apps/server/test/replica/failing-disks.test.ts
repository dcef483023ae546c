import { DleError, isDleError } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LeapClock } from '../support/leap-clock.js';
import { eventually, MemoryCluster } from '../support/memory-cluster.js';

const KEYS = 20;
const REST_MS = 60_000;

let clock: LeapClock;
let cluster: MemoryCluster;

beforeEach(async () => {
  clock = new LeapClock();
  cluster = await MemoryCluster.start(3, {}, clock);
  for (let key = 0; key < KEYS; key++) await cluster.client.put(`key ${key}`, `value ${key}`);
  await cluster.converged();
});

afterEach(() => cluster.close());

const vfsOf = (id: number) => cluster.disks[id - 1]!.vfs;

async function followers(): Promise<[number, number]> {
  const leader = await cluster.leader();
  return [1, 2, 3].filter((id) => id !== leader) as [number, number];
}

/** Puts a key, also where who leads changes meanwhile. */
function write(key: string, value: string): Promise<unknown> {
  return eventually(`a write of ${key}`, () => {
    return cluster.client.put(key, value).catch((thrown: unknown) => {
      if (!isDleError(thrown, 'DLE_OUTCOME_UNKNOWN')) throw thrown;
      return undefined;
    });
  });
}

async function becomes(id: number, ...roles: string[]): Promise<void> {
  await eventually(`node ${id} as ${roles}`, () => {
    return roles.includes(cluster.node(id).status().role) ? true : undefined;
  });
}

const takesPart = (id: number): Promise<void> => becomes(id, 'leader', 'follower');

/** All that was answered is there, and no data was set aside for the failure of its disk. */
async function expectAllKept(...ids: number[]): Promise<void> {
  await write('after', 'it');
  await cluster.converged();
  for (const id of ids) {
    const client = cluster.clientOf(id);
    for (let key = 0; key < KEYS; key++) {
      const value = await client.get(`key ${key}`, { level: 'stale' });
      expect(Buffer.from(value!).toString()).toBe(`value ${key}`);
    }
    await client.close();
    expect(cluster.setAside(id)).toEqual([]);
    expect(cluster.node(id).status().repair).toEqual({ repairing: false, repaired: 0 });
  }
}

describe('a node whose disk fails again while its data is opened anew', () => {
  it('keeps its data and has failed, where flushes fail, and takes part after a rest', async () => {
    const [id] = await followers();
    vfsOf(id).unflushable = () => true;
    await write('more', '1');
    await becomes(id, 'failed');
    expect(cluster.node(id).status().reason).toMatch(/flush .*EIO.* opens its data anew in \d+ s/);
    expect(cluster.setAside(id)).toEqual([]);
    // With the other two, all goes on.
    await write('more', '2');
    vfsOf(id).unflushable = undefined;
    clock.leap(REST_MS);
    await takesPart(id);
    await expectAllKept(id);
  });

  it('keeps its data and has failed, where its disk is full, and takes part after a rest', async () => {
    const [id] = await followers();
    const vfs = vfsOf(id);
    // As where the disk is shared, and less is there than was set aside.
    vfs.unflushable = (path) => {
      const details = { operation: 'flush' };
      throw new DleError('DLE_DISK_FULL', `flush ${path}: ENOSPC`, { retryable: true, details });
    };
    await write('more', '1');
    await becomes(id, 'failed');
    expect(cluster.node(id).status().reason).toMatch(/ENOSPC.*make room.* anew in \d+ s/);
    vfs.unflushable = undefined;
    clock.leap(REST_MS);
    await takesPart(id);
    await expectAllKept(id);
  });
});

it('a node that is started on a disk that does not flush says so, and touches nothing', async () => {
  const [id] = await followers();
  await cluster.stopNode(id);
  const vfs = vfsOf(id);
  const files = (): string[] => vfs.paths.filter((path) => /segment$|identity/.test(path));
  const before = files();
  vfs.unflushable = () => true;
  const advice = `The data in /data/node-${id} is left as it is: look at the disk`;
  const error = { code: 'DLE_IO', message: expect.stringContaining(advice) };
  await expect(cluster.startNode(id)).rejects.toMatchObject(error);
  expect(files()).toEqual(expect.arrayContaining(before));
  expect(cluster.setAside(id)).toEqual([]);
  vfs.unflushable = undefined;
  await cluster.startNode(id);
  await takesPart(id);
  await expectAllKept(id);
});

it('two of three nodes whose disks fail for a while take part again by themselves', async () => {
  const [first, second] = await followers();
  // One flush of the log fails, and soon after that the next one.
  await cluster.failLog(first);
  await takesPart(first);
  await cluster.converged();
  await cluster.failLog(first);
  await becomes(first, 'failed');
  // Where a key is put again, the record that it has is looked at.
  vfsOf(second).unreadable = (path) => path.endsWith('.segment');
  await cluster.client.put('key 0', 'value 0', { timeoutMs: 2_000 }).catch(() => undefined);
  await becomes(second, 'failed');
  vfsOf(second).unreadable = undefined;
  await eventually('nobody who leads', () => {
    const roles = cluster.nodes.map((node) => node!.status().role);
    return roles.includes('leader') ? undefined : true;
  });
  clock.leap(REST_MS);
  await takesPart(first);
  await cluster.leader();
  await write('after', 'it');
  // What could not be read for a while is fetched, now that there is a leader to ask.
  await eventually('a whole node', () => {
    const { repair } = cluster.node(second).status();
    return repair.damage === undefined && !repair.repairing ? true : undefined;
  });
  await expectAllKept(first);
}, 60_000);

it('a node whose data directory is gone says so, and what to do, and begins no new one', async () => {
  const [id] = await followers();
  const vfs = vfsOf(id);
  const before = new Map(vfs.paths.map((path) => [path, vfs.contentOf(path)]));
  for (const path of vfs.paths) await vfs.unlink(path);
  await vfs.removeDirectory(`/data/node-${id}`);
  await cluster.node(id).internals.store.scrub();
  await becomes(id, 'failed');
  const gone = new RegExp(`directory /data/node-${id} is gone.*'dle member replace'`);
  expect(cluster.node(id).status().reason).toMatch(gone);
  clock.leap(REST_MS);
  await becomes(id, 'failed');
  expect(vfs.paths.filter((path) => path.endsWith('.segment'))).toEqual([]);
  await vfs.makeDirectory(`/data/node-${id}`);
  for (const [path, content] of before) {
    const file = vfs.createSync(path);
    file.writeSync([content], 0);
    await file.close();
  }
  clock.leap(60 * REST_MS);
  await takesPart(id);
});

it('both copies of an identity that have rotted are written anew while the node runs', async () => {
  const [id] = await followers();
  const vfs = vfsOf(id);
  const copies = ['identity', 'identity.copy'].map((name) => `/data/node-${id}/${name}`);
  const before = copies.map((path) => vfs.contentOf(path));
  vfs.flipBit(copies[0]!, 20, 1);
  await vfs.unlink(copies[1]!);
  clock.leap(REST_MS);
  await eventually('whole copies', () => {
    if (copies.some((path) => !vfs.paths.includes(path))) return undefined;
    const isAsBefore = copies.every(
      (path, at) => before[at]!.join() === vfs.contentOf(path).join(),
    );
    return isAsBefore ? true : undefined;
  });
});
