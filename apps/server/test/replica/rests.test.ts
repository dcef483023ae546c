import { type Clock, DleError, silentLogger, systemClock } from '@dle/common';
import { describe, expect, it } from 'vitest';
import type { Participation } from '../../src/replica/participation.js';
import { Reopening } from '../../src/replica/reopening.js';
import type { Replica } from '../../src/replica/replica.js';
import { ReplicaKeeper } from '../../src/replica/replica-keeper.js';

const MINUTE = 60_000;
const POISONED = new DleError('DLE_STORAGE_POISONED', 'a flush has failed');
const UNREADABLE = new DleError('DLE_IO', 'read: EIO', {
  cause: Object.assign(new Error('EIO'), { code: 'EIO' }),
  details: { operation: 'read' },
});

/** A node whose every opening of its data rejects with `failing`, on a clock that waits. */
function setUp(failing: DleError | undefined) {
  const opened: number[] = [];
  const timers: { readonly at: number; readonly call: () => void }[] = [];
  let now = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => now,
    setTimer: (call, delayMs) => {
      timers.push({ at: now + delayMs, call });
      return () => {};
    },
  };
  const replica = { abandon: async () => {}, close: async () => {} } as unknown as Replica;
  let isOut = false;
  const recover = (): void => {
    isOut = false;
  };
  const participation = {
    end: () => undefined,
    begin: async () => recover(),
    get consensus() {
      return isOut ? undefined : { raft: {} };
    },
  } as unknown as Participation;
  const keeper = new ReplicaKeeper(replica, (error) => void reopening.notice(error));
  const reopening: Reopening = new Reopening({
    ...{ clock, logger: silentLogger, keeper, participation },
    open: async () => {
      opened.push(now);
      if (failing !== undefined) throw failing;
      return replica;
    },
  });
  /** The node fails at `at`. */
  const fail = async (at: number, error: DleError): Promise<boolean> => {
    now = at;
    isOut = true;
    const isNoticed = reopening.notice(error);
    await settled();
    return isNoticed;
  };
  /** The next timer is due. */
  const elapse = async (): Promise<void> => {
    const next = timers.shift()!;
    now = next.at;
    next.call();
    await settled();
  };
  return { opened, timers, reopening, fail, elapse, recover };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('a node that has failed', () => {
  it('opens its data anew at once, and after rests that grow up to an hour', async () => {
    const { opened, fail, elapse } = setUp(new DleError('DLE_DISK_FULL', 'no room'));
    await fail(0, POISONED);
    for (let times = 0; times < 9; times++) await elapse();
    const minutes = opened.map((at) => at / MINUTE);
    const rests = minutes.slice(1).map((at, index) => at - minutes[index]!);
    expect(rests).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('does so at once again where it has gone on for longer than it had to rest', async () => {
    const { opened, fail, elapse } = setUp(undefined);
    await fail(0, POISONED);
    await fail(1_000, POISONED);
    await elapse();
    expect(opened).toEqual([0, MINUTE]);
    // It had to rest for two minutes now.
    await fail(4 * MINUTE, POISONED);
    expect(opened).toEqual([0, MINUTE, 4 * MINUTE]);
    await fail(4 * MINUTE + 1, POISONED);
    await elapse();
    expect(opened.at(-1)).toBe(5 * MINUTE);
  });

  it('leaves what cannot be read to repair at first, and does nothing if that has helped', async () => {
    const { opened, fail, elapse, recover, reopening } = setUp(undefined);
    await fail(0, UNREADABLE);
    expect(reopening.outlook).toBe('it opens its data anew in 60 s');
    recover();
    await elapse();
    expect(opened).toEqual([]);
    await fail(5 * MINUTE, UNREADABLE);
    await elapse();
    expect(opened).toEqual([6 * MINUTE]);
    expect(reopening.outlook).toBeUndefined();
  });

  it('does nothing about the mistakes of a program', async () => {
    const { opened, fail, timers } = setUp(undefined);
    expect(await fail(0, new DleError('DLE_INTERNAL', 'a bug'))).toBe(false);
    expect([opened, timers]).toEqual([[], []]);
  });
});
