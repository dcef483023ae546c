import { SeededRandom } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { RaftCore } from '../../src/core/raft-core.js';
import type { Message, NodeId } from '../../src/core/types.js';
import { describeEntry, firstEntry, TestBatch } from '../../src/testing/index.js';
import { elected } from './elected.js';
import { STAGE_OPTIONS, Stage, UNUSED } from './stage.js';

/** One test per section of the Raft paper (extended version) that is covered. */

function logOf(stage: Stage, id: NodeId): readonly string[] {
  return stage.node(id).log.entries.map(describeEntry);
}

function sentBy(stage: Stage, from: NodeId, type: Message['type']): readonly Message[] {
  return stage.sent.filter((message) => message.from === from && message.type === type);
}

describe('5.1 Raft basics: terms', () => {
  it('a server that sees a larger term takes it, saves it and follows', () => {
    const stage = elected(1);
    const round = 0;
    stage.inject({ type: 'heartbeatResponse', from: 2, to: 1, term: 9, round, lostData: false });
    stage.deliver();
    expect(stage.node(1).core).toMatchObject({ role: 'follower', term: 9, leader: 0 });
    expect(stage.node(1).log.durable).toMatchObject({ term: 9, vote: 0 });
  });

  it('a request of an older term is answered with the newer one and changes nothing', () => {
    const stage = elected(1);
    const old = { from: 3, to: 2, term: 1 } as const;
    const before = logOf(stage, 2);
    stage.inject({ ...old, type: 'voteRequest', transfer: false, lastIndex: 9, lastTerm: 1 });
    stage.inject({
      ...old,
      type: 'appendRequest',
      previousIndex: 1,
      previousTerm: 1,
      lastIndex: 1,
      commit: 1,
      round: 0,
    });
    stage.deliver();
    expect(sentBy(stage, 2, 'voteResponse')).toMatchObject([{ term: 2, granted: false }]);
    expect(sentBy(stage, 2, 'appendResponse')).toMatchObject([{ term: 2, rejected: true }]);
    expect(stage.node(2).core).toMatchObject({ term: 2, leader: 1 });
    expect(logOf(stage, 2)).toEqual(before);
  });
});

describe('5.2 Leader election', () => {
  it('a follower that hears nothing for an election timeout becomes a candidate', () => {
    const stage = new Stage([1, 2, 3]);
    stage.run(109);
    expect(stage.node(1).core.role).toBe('follower');
    stage.run(1);
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 2, vote: 1 });
    expect(stage.node(2).core).toMatchObject({ role: 'follower', term: 2, leader: 1 });
  });

  it('a follower that hears heartbeats stays one', () => {
    const stage = elected(1);
    stage.run(2_000);
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 2 });
  });

  it('election timeouts are drawn from [T, 2T), anew each time', () => {
    const random = new SeededRandom(1);
    const options = { ...STAGE_OPTIONS, id: 1 };
    const batches = [new TestBatch([firstEntry([1, 2, 3])])];
    const core = new RaftCore({ random }, options, { ...UNUSED, term: 1, batches }, 0);
    const drawn: number[] = [];
    for (let now = 0; drawn.length < 500; now = core.deadline) {
      core.step({ type: 'campaign', now });
      drawn.push(core.deadline - now);
    }
    expect(Math.min(...drawn)).toBe(100);
    expect(Math.max(...drawn)).toBe(199);
    expect(new Set(drawn).size).toBeGreaterThan(90);
  });

  it('each server votes for one candidate in a term, the first that asks; again if it asks again', () => {
    const stage = new Stage([1, 2, 3, 4]);
    const ask = (from: NodeId): void => {
      stage.inject({
        type: 'voteRequest',
        transfer: false,
        from,
        to: 4,
        term: 2,
        lastIndex: 1,
        lastTerm: 1,
      });
      stage.deliver({ to: 4 });
    };
    ask(1);
    ask(2);
    ask(1);
    expect(sentBy(stage, 4, 'voteResponse')).toMatchObject([
      { to: 1, granted: true },
      { to: 2, granted: false },
      { to: 1, granted: true },
    ]);
  });

  it('a candidate that hears from a leader of its term follows it', () => {
    const stage = new Stage([1, 2, 3]);
    stage.campaign(1);
    stage.deliver();
    stage.deliver();
    expect(stage.node(1).core).toMatchObject({ role: 'candidate', term: 2 });
    stage.inject({ type: 'heartbeat', from: 2, to: 1, term: 2, commit: 0, round: 0 });
    stage.deliver({ from: 2, to: 1 });
    expect(stage.node(1).core).toMatchObject({ role: 'follower', term: 2, leader: 2 });
  });

  it('whoever grants a vote waits another election timeout before it campaigns itself', () => {
    const stage = new Stage([1, 2, 3]);
    stage.advance(109);
    stage.inject({
      type: 'voteRequest',
      transfer: false,
      from: 3,
      to: 1,
      term: 2,
      lastIndex: 1,
      lastTerm: 1,
    });
    stage.deliver();
    expect(stage.node(1).core.deadline).toBe(109 + 110);
    stage.inject({
      type: 'voteRequest',
      transfer: false,
      from: 2,
      to: 1,
      term: 2,
      lastIndex: 1,
      lastTerm: 1,
    });
    stage.advance(10);
    stage.deliver();
    expect(stage.node(1).core).toMatchObject({ vote: 3, deadline: 109 + 110 });
  });

  it('an election without a winner is followed by another', () => {
    const stage = new Stage([1, 2, 3, 4]);
    stage.campaign(1);
    stage.campaign(2);
    stage.deliver();
    stage.deliver();
    stage.deliver({ from: 1, to: 3 });
    stage.deliver({ from: 2, to: 4 });
    stage.stabilize();
    expect([1, 2, 3, 4].some((id) => stage.node(id).leads)).toBe(false);
    stage.run(300);
    expect([1, 2, 3, 4].filter((id) => stage.node(id).leads)).toEqual([1]);
  });
});

describe('5.3 Log replication', () => {
  it('a leader sends new entries to all, and they commit once a majority holds them', () => {
    const stage = elected(1);
    stage.propose(1, ['x']);
    expect(sentBy(stage, 1, 'appendRequest')).toMatchObject([
      { to: 2, previousIndex: 2, previousTerm: 2, lastIndex: 3 },
      { to: 3, previousIndex: 2, previousTerm: 2, lastIndex: 3 },
    ]);
    expect(stage.node(1).applied).toBe(2);
    stage.deliver({ to: 2 });
    stage.deliver({ from: 2 });
    expect(stage.node(1).applied).toBe(3);
  });

  it('followers learn what is committed and apply it, in order', () => {
    const stage = elected(1);
    stage.propose(1, ['x', 'y']);
    // The next heartbeat tells.
    stage.run(20);
    for (const id of [1, 2, 3]) expect(stage.node(id).applied).toBe(4);
    expect(logOf(stage, 3)).toEqual(['1@1 voters 1 2 3', '2@2 noop', '3@2 x', '4@2 y']);
  });

  it('a request whose previous entry is not there is refused', () => {
    const stage = elected(1);
    const append = { type: 'appendRequest', from: 1, to: 2, term: 2, commit: 0, round: 0 } as const;
    stage.inject({ ...append, previousIndex: 7, previousTerm: 2, lastIndex: 7 });
    stage.inject({ ...append, previousIndex: 2, previousTerm: 1, lastIndex: 2 });
    stage.deliver();
    expect(sentBy(stage, 2, 'appendResponse')).toMatchObject([
      { rejected: true, index: 7, hintIndex: 2, hintTerm: 2 },
      { rejected: true, index: 2, hintIndex: 1, hintTerm: 1 },
    ]);
  });

  // The leader for term 8 of figure 7; its log and those of the possible followers (a) to (f).
  const figure7 = {
    leader: [1, 1, 4, 4, 5, 5, 6, 6, 6],
    a: [1, 1, 4, 4, 5, 5, 6, 6],
    b: [1],
    c: [1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 4, 4, 4, 4],
    f: [1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };

  it.each(['a', 'b', 'c', 'd', 'e', 'f'] as const)(
    'figure 7 (%s) is brought to the leader’s log',
    (name) => {
      const stage = new Stage([1, 2, 3]);
      const preset = (terms: readonly number[]): { term: number }[] =>
        terms.map((term) => ({ term }));
      stage.preset(1, preset(figure7.leader), 7);
      stage.preset(2, preset(figure7[name]), 7);
      stage.preset(3, preset(figure7.b), 7);
      const before = logOf(stage, 1);
      stage.links.cut(1, 2);
      stage.links.cut(2, 1);
      stage.campaign(1);
      stage.stabilize();
      stage.links.heal();
      stage.run(20);
      expect(logOf(stage, 2)).toEqual(logOf(stage, 1));
      // A leader never replaces or removes an entry of its own.
      expect(logOf(stage, 1)).toEqual([...before, '11@8 noop']);
    },
  );

  it('goes back by terms, not by entries, where a follower disagrees', () => {
    const stage = new Stage([1, 2, 3]);
    const repeat = (term: number): { term: number }[] =>
      Array.from({ length: 300 }, () => ({ term }));
    stage.preset(1, [...repeat(1), ...repeat(5)], 7);
    stage.preset(2, [...repeat(1), ...repeat(2), ...repeat(3)], 4);
    stage.preset(3, [], 7);
    stage.campaign(1);
    stage.stabilize();
    expect(logOf(stage, 2)).toEqual(logOf(stage, 1));
    const refusals = stage.sent.filter(
      (message) => message.type === 'appendResponse' && message.rejected,
    );
    expect(refusals.filter(({ from }) => from === 2).length).toBeLessThanOrEqual(2);
    expect(refusals.filter(({ from }) => from === 3).length).toBe(1);
  });
});

describe('5.4.1 Election restriction', () => {
  it.each([
    { candidate: [1, 1, 1, 1], voter: [2], wins: false, why: 'the later last term counts more' },
    { candidate: [2], voter: [1, 1, 1, 1], wins: true, why: 'the later last term counts more' },
    { candidate: [2], voter: [2, 2], wins: false, why: 'of one term, the longer log' },
    { candidate: [2, 2], voter: [2], wins: true, why: 'of one term, the longer log' },
    { candidate: [2], voter: [2], wins: true, why: 'equal is enough' },
  ])('$candidate against $voter: $why', ({ candidate, voter, wins }) => {
    const stage = new Stage([1, 2]);
    stage.preset(
      1,
      candidate.map((term) => ({ term })),
      3,
    );
    stage.preset(
      2,
      voter.map((term) => ({ term })),
      3,
    );
    stage.node(1);
    const last = { lastIndex: candidate.length + 1, lastTerm: candidate.at(-1)! };
    stage.inject({ type: 'voteRequest', transfer: false, from: 1, to: 2, term: 4, ...last });
    stage.deliver();
    expect(sentBy(stage, 2, 'voteResponse')).toMatchObject([{ granted: wins }]);
    stage.campaign(1);
    stage.stabilize();
    stage.campaign(1);
    stage.stabilize();
    expect(stage.node(1).leads).toBe(wins);
  });
});

describe('5.4.2 Committing entries from previous terms', () => {
  it('an entry of an older term is not committed by being on a majority (figure 8)', () => {
    const stage = new Stage([1, 2, 3], { maxAppendBytes: 10 });
    stage.preset(1, [{ term: 2 }], 3);
    stage.preset(2, [{ term: 2 }], 3);
    stage.holdFlush(1);
    stage.campaign(1);
    stage.deliver();
    stage.deliver();
    stage.flush(1);
    stage.deliver();
    stage.deliver({ from: 2 });
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 4, lastIndex: 3 });
    // Node 2 is asked about entry 2 only, and says that it has it: so have two of three.
    stage.drop();
    stage.advance(20);
    stage.deliver({ to: 2 });
    stage.deliver({ from: 2 });
    stage.deliver({ to: 2 });
    stage.deliver({ from: 2 });
    expect(stage.node(1).core.status().peers[0]).toMatchObject({ id: 2, match: 2 });
    expect(stage.node(1).core.commit).toBe(0);
    // With the leader's own entry on top both commit.
    stage.flush(1);
    stage.stabilize();
    expect(stage.node(1).core.commit).toBe(3);
  });
});

describe('5.5 Follower and candidate crashes', () => {
  it('requests to a crashed follower are repeated until it is back', () => {
    const stage = elected(1);
    stage.crash(3);
    stage.propose(1, ['x', 'y']);
    stage.run(500);
    stage.restart(3);
    stage.run(40);
    expect(logOf(stage, 3)).toEqual(logOf(stage, 1));
    expect(stage.node(3).applied).toBe(4);
  });

  it('a request that arrives twice does no harm', () => {
    const stage = elected(1);
    stage.propose(1, ['x']);
    stage.double();
    stage.double();
    stage.run(20);
    expect(logOf(stage, 2)).toEqual(['1@1 voters 1 2 3', '2@2 noop', '3@2 x']);
    expect(stage.node(2).applied).toBe(3);
  });
});

describe('5.6 Timing and availability', () => {
  it('a cluster without its leader has another within two election timeouts', () => {
    const stage = elected(1);
    stage.crash(1);
    stage.run(199);
    expect([2, 3].filter((id) => stage.node(id).leads)).toHaveLength(1);
  });

  it('without a majority there is no leader, and nothing commits', () => {
    const stage = elected(1);
    stage.crash(2);
    stage.crash(3);
    stage.propose(1, ['x']);
    stage.run(1_000);
    expect(stage.node(1).core).toMatchObject({ leader: 0, commit: 2 });
    stage.restart(2);
    stage.run(400);
    expect(stage.node(1).core.commit).toBeGreaterThan(3);
  });
});

describe('6 Cluster membership changes', () => {
  /** Three voters that have added a learner. */
  function grown(): Stage {
    const stage = elected(1, [1, 2, 3], [4]);
    stage.changeMembers(1, { add: [4] });
    stage.stabilize();
    return stage;
  }

  it('new servers join without a vote and get the log first', () => {
    const stage = grown();
    expect(logOf(stage, 4)).toEqual(logOf(stage, 1));
    stage.crash(2);
    stage.crash(3);
    stage.propose(1, ['x']);
    stage.stabilize();
    expect(stage.node(4).log.entries.at(-1)!.value).toBe('x');
    expect(stage.node(1).core.commit).toBe(3);
  });

  it('a server uses the latest configuration in its log, committed or not', () => {
    const stage = grown();
    stage.changeMembers(1, { promote: [4], remove: [3] });
    const joint = { voters: [1, 2, 4], outgoing: [1, 2, 3] };
    expect(stage.node(1).core.configuration).toEqual({ index: 4, configuration: joint });
    stage.deliver({ to: 3 });
    expect(stage.node(3).core.configuration).toEqual({ index: 4, configuration: joint });
    expect(stage.node(3).core.commit).toBe(3);
    expect(stage.node(2).core.configuration).toMatchObject({ index: 3 });
  });

  it.each([
    { away: [2, 3], commits: false, why: 'the old ones lack a majority' },
    { away: [2, 4], commits: false, why: 'the new ones lack a majority' },
    { away: [3, 4], commits: true, why: 'node 1 and 2 are a majority of both' },
  ])('a joint configuration without $away: $why', ({ away, commits }) => {
    const stage = grown();
    stage.links.split([1], away);
    stage.changeMembers(1, { promote: [4], remove: [3] });
    stage.stabilize();
    const { configuration } = stage.node(1).core.configuration!;
    expect(configuration.outgoing === undefined).toBe(commits);
    expect(stage.node(1).core.commit).toBe(commits ? 5 : 3);
  });

  it('a leader that is not in the new configuration steps down when that is committed', () => {
    const stage = elected(1);
    stage.changeMembers(1, { remove: [1] });
    stage.deliver();
    stage.deliver();
    expect(stage.node(1).core).toMatchObject({ role: 'leader', commit: 3, lastIndex: 4 });
    stage.stabilize();
    expect(stage.node(1).core).toMatchObject({ role: 'follower', commit: 4 });
    expect([2, 3].filter((id) => stage.node(id).leads)).toHaveLength(1);
  });

  it('removed servers do not disrupt the cluster', () => {
    const stage = elected(1, [1, 2, 3, 4]);
    stage.links.split([4], [1, 2, 3]);
    stage.changeMembers(1, { remove: [4] });
    stage.stabilize();
    stage.run(500);
    stage.links.heal();
    stage.run(500);
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 2 });
    expect(stage.node(4).core).toMatchObject({ term: 2, leader: 0 });
  });
});

describe('8 Client interaction', () => {
  it('a new leader commits an empty entry of its own term at once', () => {
    const stage = elected(1);
    expect(logOf(stage, 2)).toEqual(['1@1 voters 1 2 3', '2@2 noop']);
    expect(stage.node(1).core.commit).toBe(2);
  });

  it('whoever does not lead takes no proposals', () => {
    const stage = elected(1);
    stage.propose(2, ['x']);
    expect(stage.effects.at(-1)).toEqual({
      node: 2,
      effect: { type: 'proposalRefused', reason: 'notLeader' },
    });
    expect(logOf(stage, 2)).toHaveLength(2);
  });
});
