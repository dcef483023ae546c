import { LEADER_HINT } from '@dle/client/protocol';
import {
  type Clock,
  DleError,
  type DleErrorCode,
  silentLogger,
  systemClock,
  systemRandom,
} from '@dle/common';
import type { Configuration, MembershipChange } from '@dle/raft';
import { describe, expect, it } from 'vitest';
import type { Member } from '../../src/membership/member.js';
import {
  MemberChanges,
  type MemberChangesComponents,
} from '../../src/membership/member-changes.js';

type Settle = (error: DleError | undefined, index: number) => void;

const member = (id: number): Member => ({ id, instance: `i${id}`, address: `127.0.0.1:900${id}` });

/** As far as they matter here: a leader's consensus, and its connections. */
class Leader {
  readonly self: Member = member(1);
  readonly asked: MembershipChange[] = [];
  configuration: Configuration;
  commit = 10;
  /** Who answers, and when it did last, in milliseconds. */
  silentMs = new Map([
    [2, 5],
    [3, 5],
  ]);
  unreachable = new Set<number>();
  /** How a change ends. */
  change: (settle: Settle) => void = (settle) => settle(undefined, 11);
  transfer: (settle: Settle) => void = (settle) => settle(undefined, 2);

  constructor(
    voters: readonly number[],
    more: { learners?: number[]; outgoing?: number[]; retired?: number[] } = {},
  ) {
    const { retired = [], ...lists } = more;
    const ids = [...voters, ...(more.learners ?? []), ...(more.outgoing ?? [])];
    const members = { cluster: 'c', members: ids.map(member), retired };
    this.configuration = { voters, ...lists, members };
  }

  changes(): MemberChanges {
    const leader = this;
    const core = {
      get configuration() {
        return { index: 7, configuration: leader.configuration };
      },
      get commit() {
        return leader.commit;
      },
      status: () => ({ peers: [...leader.silentMs].map(([id, silentMs]) => ({ id, silentMs })) }),
    };
    const raft = {
      core,
      changeMembers: (change: MembershipChange, settle: Settle) => {
        leader.asked.push(change);
        leader.change(settle);
      },
      transfer: (_: number | undefined, settle: Settle) => leader.transfer(settle),
    };
    const transport = { peer: (id: number) => ({ reachable: !leader.unreachable.has(id) }) };
    const components = { raft, transport, clock: instantClock(), random: systemRandom };
    return new MemberChanges(
      { ...components, logger: silentLogger } as unknown as MemberChangesComponents,
      { self: this.self, patienceMs: 500, silentMs: 250 },
    );
  }
}

/** Time passes only where somebody waits for it. */
function instantClock(): Clock {
  let now = 0;
  const setTimer: Clock['setTimer'] = (callback, delayMs) => {
    queueMicrotask(() => {
      now += delayMs;
      callback();
    });
    return () => {};
  };
  return { now: () => now, setTimer, defer: systemClock.defer };
}

const promote = (id: number) => ({ op: 'promoteMember', id, forwarded: false }) as const;
const remove = (id: number) => ({ op: 'removeMember', id, forwarded: false }) as const;
const replace = (id: number, by: number) =>
  ({ op: 'replaceMember', id, by, forwarded: false }) as const;

async function refusalOf(change: Promise<unknown>): Promise<DleError> {
  const outcome = await change.then(
    (value) => value,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(DleError);
  return outcome as DleError;
}

describe('a change of members', () => {
  it('becomes one change of the configuration, which keeps the ids of the removed', async () => {
    const leader = new Leader([1, 2, 3], { learners: [4], retired: [9] });
    const changes = leader.changes();
    expect(await changes.carryOut(promote(4))).toBe(11);
    expect(await changes.carryOut(remove(3))).toBe(11);
    expect(await changes.carryOut(replace(2, 4))).toBe(11);
    expect(leader.asked).toMatchObject([
      { promote: [4] },
      { remove: [3], members: { retired: [9, 3] } },
      { remove: [2], promote: [4], members: { retired: [9, 2] } },
    ]);
  });

  it('replaces one that does not vote by one that does not either', async () => {
    const leader = new Leader([1, 2, 3], { learners: [4, 5] });
    await leader.changes().carryOut(replace(4, 5));
    expect(leader.asked).toMatchObject([{ remove: [4] }]);
    expect(leader.asked[0]).not.toHaveProperty('promote');
  });

  it('that is done already is found to be done, once that is committed', async () => {
    const leader = new Leader([1, 2, 4], { retired: [3] });
    const done = [promote(4), remove(3), replace(3, 4)];
    for (const change of done) expect(await leader.changes().carryOut(change)).toBe(7);
    leader.commit = 6;
    for (const change of done) {
      expect(await refusalOf(leader.changes().carryOut(change))).toMatchObject({
        retryable: true,
        details: { reason: 'changeUnderWay' },
      });
    }
    expect(leader.asked).toEqual([]);
  });

  it('that is half done is not yet done', async () => {
    const leader = new Leader([1, 2, 4], { outgoing: [1, 2, 3] });
    expect(await refusalOf(leader.changes().carryOut(promote(4)))).toMatchObject({
      details: { reason: 'changeUnderWay' },
    });
  });

  it('does not count on a voter that is silent, or whose connection is gone', async () => {
    for (const [silentMs, gone] of [
      [400, false],
      [5, true],
    ] as const) {
      const leader = new Leader([1, 2, 3]);
      leader.silentMs.set(3, silentMs);
      if (gone) leader.unreachable.add(3);
      const refusal = await refusalOf(leader.changes().carryOut(remove(2)));
      expect(refusal).toMatchObject({
        code: 'DLE_CHANGE_REFUSED',
        retryable: false,
        details: { reason: 'wouldLoseQuorum' },
      });
      expect(refusal.message).toContain('of the voters 1, 3');
      expect(leader.asked).toEqual([]);
      // The silent one itself may go.
      expect(await leader.changes().carryOut(remove(3))).toBe(11);
    }
  });

  it('waits a moment for those that seem to be down', async () => {
    const leader = new Leader([1, 2, 3]);
    let looks = 0;
    const answers = leader.silentMs;
    Object.defineProperty(leader, 'silentMs', {
      get: () => (++looks < 4 ? new Map() : answers),
    });
    expect(await leader.changes().carryOut(remove(2))).toBe(11);
    expect(looks).toBe(4);
  });

  it('of the leader itself makes another one lead, and says where', async () => {
    const leader = new Leader([1, 2, 3]);
    const handedOver = await refusalOf(leader.changes().carryOut(remove(1)));
    expect(handedOver).toMatchObject({
      code: 'DLE_NOT_LEADER',
      retryable: true,
      details: { [LEADER_HINT]: member(2).address },
    });
    expect(leader.asked).toEqual([]);
  });

  it('of the only voter is for consensus to refuse', async () => {
    const leader = new Leader([1], { learners: [2] });
    leader.change = (settle) => settle(new DleError('DLE_CHANGE_REFUSED', 'nobody'), 0);
    expect((await refusalOf(leader.changes().carryOut(remove(1)))).message).toBe('nobody');
  });

  it.each([
    ['a removed one that is to vote', promote(9), 'retired'],
    ['one in place of nobody', replace(9, 5), 'invalid'],
    ['a voter in place of another', replace(2, 3), 'invalid'],
  ])('refuses %s', async (_, change, reason) => {
    const leader = new Leader([1, 2, 3], { retired: [9] });
    const refusal = await refusalOf(leader.changes().carryOut(change));
    expect(refusal).toMatchObject({ code: 'DLE_CHANGE_REFUSED', details: { reason } });
    expect(leader.asked).toEqual([]);
  });

  it('of unknown outcome says how to find out', async () => {
    const leader = new Leader([1, 2, 3]);
    leader.change = (settle) => {
      settle(new DleError('DLE_OUTCOME_UNKNOWN', 'the leader changed', { effect: 'unknown' }), 0);
    };
    const unsure = await refusalOf(leader.changes().carryOut(remove(2)));
    expect(unsure).toMatchObject({ code: 'DLE_OUTCOME_UNKNOWN', effect: 'unknown' });
    expect(unsure.message).toContain('dle member list');
  });
});

describe('a transfer', () => {
  it('to the leader itself is done', async () => {
    const leader = new Leader([1, 2, 3]);
    expect(await leader.changes().transfer(1)).toEqual(member(1));
  });

  it.each<[DleErrorCode, boolean]>([
    ['DLE_TRANSFER_FAILED', false],
    ['DLE_UNAVAILABLE', true],
  ])('that ends in %s may be tried again by itself: %s', async (code, retryable) => {
    const leader = new Leader([1, 2, 3]);
    const details = { reason: 'timeout' };
    leader.transfer = (settle) => settle(new DleError(code, 'no', { retryable: true, details }), 0);
    const failure = await refusalOf(leader.changes().transfer(2));
    expect(failure).toMatchObject({ code, retryable, details });
  });
});
