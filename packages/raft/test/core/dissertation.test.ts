import { describe, expect, it } from 'vitest';
import { elected } from './elected.js';
import { Stage } from './stage.js';

/** One test per section of Ongaro's dissertation that is covered and goes beyond the paper. */

describe('3.10 Leadership transfer extension', () => {
  it('the target is elected at once, in the next term, with everything the leader had', () => {
    const stage = elected(1);
    stage.propose(1, ['x']);
    stage.transfer(1, 3);
    stage.stabilize();
    expect(stage.node(3).core).toMatchObject({ role: 'leader', term: 3, commit: 4 });
    expect(stage.node(1).core).toMatchObject({ role: 'follower', leader: 3 });
    expect(stage.now).toBe(0);
  });

  it('an invitation of an older term is worth nothing', () => {
    const stage = elected(1);
    stage.transfer(1, 3);
    stage.stabilize();
    stage.inject({ type: 'timeoutNow', from: 1, to: 2, term: 2 });
    stage.stabilize();
    expect(stage.node(3).core).toMatchObject({ role: 'leader', term: 3 });
  });
});

describe('4.2.1 Catching up new servers', () => {
  it('a learner is promoted once it lacks no more than a round brings', () => {
    const stage = elected(1, [1, 2, 3], [4]);
    stage.links.split([1], [4]);
    stage.changeMembers(1, { add: [4] });
    stage.stabilize();
    const refusals = (): unknown[] =>
      stage.effects.filter(({ effect }) => effect.type === 'changeRefused');
    stage.changeMembers(1, { promote: [4] });
    expect(refusals()).toMatchObject([{ effect: { reason: 'notCaughtUp' } }]);
    stage.links.heal();
    stage.run(20);
    stage.changeMembers(1, { promote: [4] });
    stage.stabilize();
    expect(refusals()).toHaveLength(1);
    expect(stage.node(4).core.configuration?.configuration.voters).toEqual([1, 2, 3, 4]);
  });
});

describe('6.2 Leaders: stepping down', () => {
  it('a leader that hears from no majority gives up', () => {
    const stage = elected(1, [1, 2, 3, 4, 5]);
    stage.links.split([1, 2], [3, 4, 5]);
    stage.run(99);
    expect(stage.node(1).leads).toBe(true);
    stage.run(1);
    expect(stage.node(1).core).toMatchObject({ role: 'follower', term: 2, leader: 0 });
  });

  it('a leader that hears from a majority stays', () => {
    const stage = elected(1, [1, 2, 3, 4, 5]);
    stage.links.split([1, 2, 3], [4, 5]);
    stage.run(1_000);
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 2 });
  });
});

describe('6.4 Processing read-only queries', () => {
  const answers = (stage: Stage): readonly unknown[] =>
    stage.effects
      .map(({ effect }) => effect)
      .filter(({ type }) => type === 'readable' || type === 'readRefused');

  it('a read is served at the commit index it found, after a majority has answered', () => {
    const stage = elected(1);
    stage.read(1);
    expect(answers(stage)).toEqual([]);
    stage.deliver({ to: 2 });
    stage.deliver({ from: 2 });
    expect(answers(stage)).toEqual([{ type: 'readable', ids: [1], index: 2 }]);
  });

  it('answers to earlier rounds do not confirm it', () => {
    const stage = elected(1);
    stage.read(1);
    stage.deliver({ to: 2 });
    stage.deliver({ to: 3 });
    stage.deliver({ from: 2 });
    stage.read(1);
    // Node 3 answers the first question; to the second there is no answer yet.
    stage.deliver({ from: 3 });
    expect(answers(stage)).toHaveLength(1);
    stage.stabilize();
    expect(answers(stage)).toHaveLength(2);
  });

  it('a lease lasts from the question for an election timeout, less what clocks differ in', () => {
    const stage = new Stage([1, 2, 3], { leaseReads: true, maxClockDriftPercent: 20 });
    stage.campaign(1);
    stage.stabilize();
    stage.advance(20);
    stage.advance(5);
    stage.deliver();
    stage.advance(5);
    stage.deliver();
    stage.links.split([1], [2, 3]);
    stage.advance(69);
    stage.read(1, 'lease');
    expect(answers(stage)).toEqual([{ type: 'readable', ids: [1], index: 2 }]);
    stage.advance(1);
    stage.read(1, 'lease');
    expect(answers(stage)).toHaveLength(1);
  });

  it('a follower serves a read at the index that the leader has confirmed', () => {
    const stage = elected(1);
    stage.propose(1, ['x']);
    stage.deliver({ to: 2 });
    stage.deliver({ from: 2 });
    stage.read(3, 'follower');
    stage.stabilize();
    expect(stage.effects).toContainEqual({
      node: 3,
      effect: { type: 'readable', ids: [1], index: 3 },
    });
  });

  it('a cluster of one answers at once', () => {
    const stage = new Stage([1]);
    stage.advance(0);
    stage.read(1);
    expect(answers(stage)).toEqual([{ type: 'readable', ids: [1], index: 2 }]);
  });

  it('whoever stops leading refuses what waits', () => {
    const stage = elected(1);
    stage.links.split([1], [2, 3]);
    stage.read(1);
    stage.read(1);
    stage.run(100);
    expect(answers(stage)).toEqual([{ type: 'readRefused', ids: [1, 2], reason: 'notLeader' }]);
  });
});

describe('9.6 Preventing disruptions: pre-vote', () => {
  it('whoever asks in vain stays in its term', () => {
    const stage = elected(1);
    stage.links.split([3], [1, 2]);
    stage.run(1_000);
    expect(stage.node(3).core).toMatchObject({ role: 'preCandidate', term: 2 });
    stage.links.heal();
    stage.run(20);
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 2 });
    expect(stage.node(3).core).toMatchObject({ role: 'follower', leader: 1 });
  });

  it('votes and pre-votes are withheld while a leader is heard from', () => {
    const stage = elected(1);
    const ask = { from: 3, to: 2, term: 9, lastIndex: 9, lastTerm: 9 } as const;
    stage.inject({ ...ask, type: 'preVoteRequest' });
    stage.inject({ ...ask, type: 'voteRequest', transfer: false });
    stage.deliver();
    expect(stage.sent).toEqual([]);
    expect(stage.node(2).core).toMatchObject({ term: 2, leader: 1 });
  });

  it('votes are withheld by time, whatever term the voter is in by now', () => {
    const stage = elected(1);
    // Somebody is in a later term already; nobody leads it.
    const ahead = { from: 3, to: 2, term: 5, granted: false, lostData: false } as const;
    stage.inject({ ...ahead, type: 'voteResponse' });
    stage.deliver();
    expect(stage.node(2).core).toMatchObject({ term: 5, leader: 0, vote: 0 });
    const ask = { from: 3, to: 2, lastIndex: 9, lastTerm: 4, transfer: false } as const;
    stage.inject({ ...ask, term: 6, type: 'preVoteRequest' });
    stage.inject({ ...ask, term: 5, type: 'voteRequest' });
    stage.inject({ ...ask, term: 6, type: 'voteRequest' });
    stage.deliver();
    expect(stage.sent).toEqual([]);
    expect(stage.node(2).core).toMatchObject({ term: 5, vote: 0 });
    // With the leader's consent it is another matter.
    stage.inject({ ...ask, term: 5, type: 'voteRequest', transfer: true });
    stage.deliver();
    expect(stage.sent).toMatchObject([{ type: 'voteResponse', granted: true }]);
  });

  it('a restarted voter that hears from a leader withholds for as long as any other', () => {
    const stage = elected(1);
    stage.crash(2);
    stage.restart(2);
    const ask = { from: 3, to: 2, term: 9, lastIndex: 9, lastTerm: 9 } as const;
    stage.run(20);
    stage.paused.add(1);
    stage.paused.add(3);
    stage.advance(99);
    stage.sent.length = 0;
    stage.inject({ ...ask, type: 'preVoteRequest' });
    stage.deliver({ to: 2 });
    expect(stage.sent).toEqual([]);
    stage.advance(1);
    stage.inject({ ...ask, type: 'preVoteRequest' });
    stage.deliver({ to: 2 });
    expect(stage.sent).toMatchObject([{ type: 'preVoteResponse', granted: true }]);
  });

  it('a leader withholds its own as well', () => {
    const stage = elected(1);
    stage.inject({
      type: 'voteRequest',
      transfer: false,
      from: 3,
      to: 1,
      term: 9,
      lastIndex: 9,
      lastTerm: 9,
    });
    stage.deliver();
    expect(stage.node(1).core).toMatchObject({ role: 'leader', term: 2 });
  });
});
