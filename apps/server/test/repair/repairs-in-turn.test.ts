import { type Clock, DleError, silentLogger, systemClock } from '@dle/common';
import { type Acceptor, TcpServer } from '@dle/net';
import { lostDataStates } from '@dle/raft';
import { afterEach, expect, it } from 'vitest';
import { beginFreshStore } from '../../src/repair/fresh-store.js';
import { IdentityKeeper } from '../../src/repair/identity.js';
import { Repairs, type RepairsComponents } from '../../src/repair/repairs.js';
import { diskOf } from '../support/disk.js';
import { eventually } from '../support/memory-cluster.js';

const DIRECTORY = '/node';
const STORE = 'ab'.repeat(16);
const SELF = { id: 1, instance: STORE, address: 'nowhere:1' };
const SECOND = new DleError('DLE_CORRUPT', 'second');

const servers: TcpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A leader that gives these answers to whoever asks to be spared, the last one for ever. */
async function leader(answers: readonly boolean[]): Promise<string> {
  const left = [...answers];
  const acceptor: Acceptor = {
    hello: () => ({ protocol: 1, node: 2, instance: 'i' }),
    accepted: () => ({
      request: () => ({
        control: { spared: left.length > 1 ? left.shift() : left[0], reason: 'not now' },
      }),
    }),
  };
  const server = new TcpServer(
    { ...diskOf(9), logger: silentLogger, acceptor },
    { host: '127.0.0.1', port: 0 },
  );
  servers.push(server);
  return `127.0.0.1:${(await server.listen()).port}`;
}

/** A node that is repairing its data for the damage `first`, and whose log holds `state.lostData`. */
async function setUp(answers: readonly boolean[], closeTakesMs = 0) {
  const disk = diskOf(1);
  const state = { lostData: true, now: 0 };
  const pauses: number[] = [];
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + state.now,
    setTimer: (callback, delayMs) => {
      pauses.push(delayMs);
      return systemClock.setTimer(callback, delayMs);
    },
  };
  for (const id of [1, 2, 3]) {
    const file = disk.vfs.createSync(`${DIRECTORY}/000000000000000${id}.segment`);
    file.writeSync([Uint8Array.of(id)], 0);
    await file.close();
  }
  const common = { ...disk, clock, logger: silentLogger };
  const states = lostDataStates(new Map(), 5);
  await beginFreshStore(common, DIRECTORY, { storeId: STORE, states }, 'first', Infinity);
  const identity = new IdentityKeeper(common, DIRECTORY, {
    ...{ instance: STORE, cluster: 'c', voters: [1, 2, 3], addresses: [await leader(answers)] },
  });
  await identity.settled;
  const old = {
    store: { log: { localStates: () => new Map() } },
    abandon: async () => {
      state.now += closeTakesMs;
    },
  };
  const core = {
    get lostData() {
      return state.lostData;
    },
  };
  const raft = { isLeader: false, core };
  let opened = 0;
  const components = {
    ...common,
    identity,
    participation: { consensus: { raft } },
    keeper: {
      replace: async (_: unknown, _why: string, make: (one: typeof old) => Promise<unknown>) => {
        await make(old);
        state.lostData = true;
      },
    },
    open: async () => {
      opened++;
      // As that of a replica does where the marker is there.
      if (disk.vfs.paths.includes(`${DIRECTORY}/repair`)) repairs.hasBegun('first');
    },
  } as unknown as RepairsComponents;
  const options = { directory: DIRECTORY, self: SELF, hints: [] };
  const damage = { foundBy: 'start', message: 'first' } as const;
  const repairs: Repairs = new Repairs(components, options, damage);
  const names = () => disk.vfs.paths.map((path) => path.slice(DIRECTORY.length + 1));
  return { repairs, state, names, pauses, openings: () => opened };
}

it("a repair that ends and one that begins do not get in each other's way", async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { repairs, state, names, openings } = await setUp([true]);
    state.lostData = false;
    repairs.noticeProgress();
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => systemClock.defer(resolve));
    }
    expect(repairs.notice(SECOND, 'read')).toBe(true);
    await eventually('the second repair', () => (openings() === 1 ? true : undefined));
    // It lacks its data again, and knows that.
    expect(repairs.damage).toEqual({ foundBy: 'read', message: 'second' });
    expect(names()).toContain('repair');
    state.lostData = false;
    repairs.noticeProgress();
    await eventually('its end', () => (repairs.damage === undefined ? true : undefined));
    expect(names().filter((name) => /repair|damaged/.test(name))).toEqual([]);
    await repairs.close();
  }
});

it('a store that takes long to be closed is set aside all the same', async () => {
  const { repairs, openings } = await setUp([true], 60_000);
  repairs.notice(SECOND, 'read');
  await eventually('a repair', () => (openings() > 0 ? true : undefined));
  await repairs.close();
  expect(repairs.obstacle).toBeUndefined();
  expect(openings()).toBe(1);
});

it('a permission that is gone when the store is closed is asked for again', async () => {
  const { repairs, names } = await setUp([true, false]);
  const before = names();
  repairs.notice(SECOND, 'read');
  const obstacle = await eventually('an obstacle', () => repairs.obstacle);
  expect(obstacle).toContain('not now');
  // An earlier repair had begun: this one has not.
  expect(repairs.damage).toEqual({ foundBy: 'read', message: 'second' });
  expect(names()).toEqual(before);
  await repairs.close();
});

it('a snapshot that replaces all data makes an end of asking', async () => {
  const { repairs, openings } = await setUp([false]);
  repairs.notice(SECOND, 'read');
  await eventually('an obstacle', () => repairs.obstacle);
  repairs.hasReplaced();
  expect([repairs.damage, repairs.obstacle]).toEqual([undefined, undefined]);
  await repairs.close();
  expect(openings()).toBe(0);
});

it('a node that has begun anew a moment ago looks again when its rest is over', async () => {
  const { repairs, state, pauses, openings } = await setUp([true]);
  repairs.notice(SECOND, 'read');
  await eventually('a repair', () => (openings() === 1 ? true : undefined));
  state.lostData = false;
  repairs.noticeProgress();
  await eventually('its end', () => (repairs.damage === undefined ? true : undefined));
  // Of a minute, 15 s are left.
  state.now += 45_000;
  pauses.length = 0;
  repairs.notice(SECOND, 'read');
  await eventually('an obstacle', () => repairs.obstacle);
  const [pauseMs = 0] = pauses;
  expect(pauseMs).toBeGreaterThan(10_000);
  expect(pauseMs).toBeLessThanOrEqual(15_000);
  await repairs.close();
});
