import { isDleError } from '@dle/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CORE_OPTIONS, validateCoreOptions } from '../../src/core/core-options.js';
import { RaftCore } from '../../src/core/raft-core.js';
import type { EntryBatch, Message, NodeId, ReadIndexRequest } from '../../src/core/types.js';
import { firstEntry, TestBatch, type TestEntry } from '../../src/testing/index.js';
import { STAGE_OPTIONS, Stage, UNUSED } from './stage.js';

function entriesFrom(index: number, terms: readonly number[]): TestBatch {
  const make = (term: number, at: number): TestEntry => ({
    index: index + at,
    term,
    previousTerm: 0,
    bytes: 10,
    value: 'x',
  });
  return new TestBatch(terms.map(make));
}

function coreOf(id: NodeId, terms: readonly number[] = [], commit = 0): RaftCore {
  const batches: EntryBatch[] = [new TestBatch([firstEntry([1, 2, 3])])];
  if (terms.length > 0) batches.push(entriesFrom(2, terms));
  const recovered = { ...UNUSED, term: terms.at(-1) ?? 1, commit, batches };
  const random = { nextUint32: () => 0 };
  return new RaftCore({ random }, { ...STAGE_OPTIONS, id }, recovered, 0);
}

describe('messages that no working peer sends', () => {
  const heartbeat = { type: 'heartbeat', from: 1, to: 2, term: 5, commit: 0, round: 0 } as const;

  it.each<[string, Message]>([
    ['for another node', { ...heartbeat, to: 3 }],
    ['from oneself', { ...heartbeat, from: 2 }],
    ['from nobody', { ...heartbeat, from: 0 }],
    ['of term 0', { ...heartbeat, term: 0 }],
    ['of half a term', { ...heartbeat, term: 1.5 }],
    ['of a term beyond the last', { ...heartbeat, term: Number.MAX_SAFE_INTEGER }],
    ['with a negative commit', { ...heartbeat, commit: -1 }],
    ['of an unknown kind', { ...heartbeat, type: 'toString' } as unknown as Message],
  ])('%s are ignored', (_, message) => {
    const core = coreOf(2);
    expect(core.step({ type: 'message', now: 1, message })).toEqual([]);
    expect(core).toMatchObject({ term: 1, leader: 0 });
  });

  it('are ignored where the entries are not those announced', () => {
    const core = coreOf(2);
    const request = {
      type: 'appendRequest',
      from: 1,
      to: 2,
      term: 5,
      previousIndex: 1,
      previousTerm: 1,
      lastIndex: 3,
      commit: 0,
      round: 0,
    } as const;
    const step = (message: Message, entries?: EntryBatch): number =>
      core.step({ type: 'message', now: 1, message, ...(entries && { entries }) }).length;
    expect(step(request)).toBe(0);
    expect(step(request, entriesFrom(2, [5]))).toBe(0);
    expect(step(request, entriesFrom(3, [5, 5]))).toBe(0);
    expect(step(request, entriesFrom(2, [6, 6]))).toBe(0);
    expect(step(request, entriesFrom(2, [4, 3]))).toBe(0);
    expect(step({ ...request, previousTerm: 6 }, entriesFrom(2, [5, 5]))).toBe(0);
    expect(step(heartbeat, entriesFrom(2, [5, 5]))).toBe(0);
    expect(core.lastIndex).toBe(1);
    expect(step(request, entriesFrom(2, [4, 5]))).toBeGreaterThan(0);
    expect(core.lastIndex).toBe(3);
  });

  it('from a second leader of a term are ignored', () => {
    const core = coreOf(2);
    core.step({ type: 'message', now: 1, message: heartbeat });
    expect(core.step({ type: 'message', now: 2, message: { ...heartbeat, from: 3 } })).toEqual([]);
    expect(core.leader).toBe(1);
  });

  it('are ignored by a leader that never sent what they acknowledge', () => {
    const stage = new Stage([1, 2, 3]);
    stage.campaign(1);
    stage.stabilize();
    const response = {
      type: 'appendResponse',
      from: 2,
      to: 1,
      term: 2,
      rejected: false,
      index: 99,
      hintIndex: 0,
      hintTerm: 0,
      round: 0,
    } as const;
    stage.inject(response);
    stage.inject({ ...response, index: 2, round: 7 });
    stage.inject({ ...response, from: 9, index: 2 });
    stage.inject({ ...response, rejected: true, index: 99, hintIndex: 99, hintTerm: 99 });
    stage.stabilize();
    expect(stage.node(1).core.status().peers[0]).toMatchObject({ id: 2, match: 2, next: 3 });
  });

  it('whatever they are, the core stands: any message, in any order', () => {
    const small = fc.oneof(fc.nat(6), fc.constantFrom(-1, 0.5, Number.NaN, 2 ** 52, 2 ** 53));
    const message = fc.record({
      type: fc.constantFrom(
        'preVoteRequest',
        'preVoteResponse',
        'voteRequest',
        'voteResponse',
        'appendRequest',
        'appendResponse',
        'heartbeat',
        'heartbeatResponse',
        'timeoutNow',
        'readIndexRequest',
        'readIndexResponse',
      ),
      from: fc.nat(4),
      to: fc.constant(2),
      term: small,
      lastIndex: small,
      lastTerm: small,
      granted: fc.boolean(),
      transfer: fc.boolean(),
      rejected: fc.boolean(),
      previousIndex: small,
      previousTerm: small,
      index: small,
      hintIndex: small,
      request: small,
      hintTerm: small,
      commit: small,
      round: small,
    });
    const entries = fc.option(
      fc.tuple(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(6), { minLength: 1, maxLength: 4 })),
      { nil: undefined },
    );
    const event = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(message, entries) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'tick',
          'campaign',
          'propose',
          'read',
          'transfer',
          'changeMembers',
        ),
      },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const core = coreOf(2, [1, 2]);
        let now = 0;
        try {
          for (const next of events) {
            now += 30;
            const effects = core.step(eventOf(next, now));
            for (const effect of effects) {
              if (!('write' in effect)) continue;
              core.step({ type: 'flushed', now, write: effect.write });
            }
          }
        } catch (thrown) {
          // The one thing that must not be survived: committed entries are contradicted.
          expect(String(thrown)).toContain('the cluster has lost data');
        }
      }),
      { numRuns: 2_000 },
    );

    function eventOf(next: unknown, now: number): Parameters<RaftCore['step']>[0] {
      if (next === 'propose') return { type: 'propose', now, sizes: [10] };
      if (next === 'read') return { type: 'read', now, id: now, level: 'follower' };
      if (next === 'transfer') return { type: 'transfer', now, target: 0 };
      if (next === 'changeMembers') return { type: next, now, change: { demote: [3] } };
      if (typeof next === 'string') return { type: next as 'tick' | 'campaign', now };
      const [sent, batch] = next as [Message, [number, number[]] | undefined];
      const carried = batch === undefined ? {} : { entries: entriesFrom(...batch) };
      return { type: 'message', now, message: sent, ...carried };
    }
  });
});

describe('assertions', () => {
  const request = {
    type: 'appendRequest',
    from: 1,
    to: 2,
    term: 5,
    previousIndex: 1,
    previousTerm: 1,
    lastIndex: 2,
    commit: 0,
    round: 0,
  } as const;

  it('a leader that contradicts what is committed stops the node', () => {
    const core = coreOf(2, [2, 2], 2);
    const entries = entriesFrom(2, [4]);
    expect(() => core.step({ type: 'message', now: 1, message: request, entries })).toThrow(
      /without entry 2, which is committed/,
    );
  });

  it('behind what is committed it may replace', () => {
    const core = coreOf(2, [2, 2], 2);
    const message = { ...request, previousIndex: 2, previousTerm: 2, lastIndex: 3 };
    const effects = core.step({ type: 'message', now: 1, message, entries: entriesFrom(3, [4]) });
    expect(effects).toContainEqual(
      expect.objectContaining({ type: 'appendReceived', fromIndex: 3, replaces: true }),
    );
  });

  it('a flush of what was never written is the driver’s mistake', () => {
    expect(() => coreOf(2).step({ type: 'flushed', now: 1, write: 1 })).toThrow(/never asked for/);
  });

  it('what is recovered must agree with itself', () => {
    const batches = [entriesFrom(1, [3])];
    const random = { nextUint32: () => 0 };
    const start = (recovered: { term: number; commit: number }): RaftCore =>
      new RaftCore(
        { random },
        { ...STAGE_OPTIONS, id: 1 },
        { ...UNUSED, batches, ...recovered },
        0,
      );
    expect(() => start({ term: 2, commit: 0 })).toThrow(/never saved/);
    expect(() => start({ term: 3, commit: 2 })).toThrow(/not in the log/);
    expect(start({ term: 3, commit: 1 }).commit).toBe(1);
  });
});

describe('heartbeats', () => {
  it('that speak of entries this log has lost commit nothing, and are answered in another term', () => {
    const core = coreOf(2, [1, 1]);
    const message = { type: 'heartbeat', from: 1, to: 2, term: 1, commit: 9, round: 0 } as const;
    const saved = core.step({ type: 'message', now: 1, message });
    expect(core).toMatchObject({ commit: 0, lostData: true, term: 1 + 2 ** 20 });
    expect(saved.at(-1)).toMatchObject({ type: 'saveVote', term: core.term, lostData: true });
    core.step({ type: 'flushed', now: 2, write: 1 });
    const [refusal] = core.step({ type: 'message', now: 3, message });
    expect(refusal).toMatchObject({ message: { type: 'appendResponse', term: core.term } });
  });
});

describe('a follower that is read from', () => {
  it('takes no answer for its own that was meant for an earlier life of it (trap 7)', () => {
    const heartbeat = { type: 'heartbeat', from: 1, to: 2, term: 1, commit: 0, round: 0 } as const;
    const asking = (drawn: number): { core: RaftCore; request: number } => {
      const random = { nextUint32: () => drawn };
      const batches = [new TestBatch([firstEntry([1, 2, 3])])];
      const recovered = { ...UNUSED, term: 1, batches };
      const core = new RaftCore({ random }, { ...STAGE_OPTIONS, id: 2 }, recovered, 0);
      core.step({ type: 'message', now: 1, message: heartbeat });
      const [effect] = core.step({ type: 'read', now: 2, id: 7, level: 'follower' });
      const { message } = effect as { message: ReadIndexRequest };
      return { core, request: message.request };
    };
    const before = asking(1);
    const after = asking(2);
    const answer = { type: 'readIndexResponse', from: 1, to: 2, term: 1, index: 1 } as const;
    const answered = (request: number): readonly string[] =>
      after.core
        .step({ type: 'message', now: 3, message: { ...answer, request } })
        .map(({ type }) => type);
    expect(answered(before.request)).toEqual([]);
    expect(answered(after.request)).toEqual(['readable']);
    expect(answered(after.request)).toEqual([]);
  });
});

describe('a device that hangs', () => {
  it('holds back a bounded number of messages', () => {
    const core = coreOf(2);
    for (let term = 2, count = 0; count < 10_000; count++) {
      const ask = { from: 1, to: 2, term, lastIndex: 1, lastTerm: 1 } as const;
      core.step({
        type: 'message',
        now: count,
        message: { ...ask, type: 'voteRequest', transfer: false },
      });
    }
    expect(core.status().heldMessages).toBe(4_096);
    const released = core.step({ type: 'flushed', now: 10_000, write: 1 });
    expect(released.filter(({ type }) => type === 'send')).toHaveLength(4_096);
  });
});

describe('a node that starts', () => {
  const deadlineWith = (history: readonly (readonly NodeId[])[]): number => {
    const entries = history.map((voters, at) => ({ ...firstEntry(voters), index: at + 1 }));
    const batches = [new TestBatch(entries)];
    const recovered = { ...UNUSED, term: 1, commit: history.length, restarted: true, batches };
    const random = { nextUint32: () => 0 };
    return new RaftCore({ random }, { ...STAGE_OPTIONS, id: 1 }, recovered, 1_000).deadline;
  };

  it('campaigns at once where nobody else ever voted', () => {
    expect(deadlineWith([[1]])).toBe(1_000);
    expect(deadlineWith([[1], [1]])).toBe(1_000);
  });

  it('waits where somebody else did, who may still have a lease', () => {
    expect(deadlineWith([[1, 2], [1]])).toBe(1_100);
    expect(deadlineWith([[2]])).toBe(1_100);
  });
});

describe('time', () => {
  it('never runs back, whatever the events say', () => {
    const stage = new Stage([1, 2, 3]);
    const { core } = stage.node(1);
    core.step({ type: 'tick', now: 1_000 });
    const { deadline } = core;
    core.step({ type: 'tick', now: 10 });
    expect(core.deadline).toBe(deadline);
  });

  it('a leader without followers needs no timer', () => {
    const stage = new Stage([1]);
    stage.advance(0);
    expect(stage.node(1).core.deadline).toBe(Number.POSITIVE_INFINITY);
  });

  it('a pause costs a leader its leadership only if its followers stay silent', () => {
    const stage = new Stage([1, 2, 3]);
    stage.campaign(1);
    stage.stabilize();
    stage.paused.add(1);
    stage.advance(90);
    stage.paused.delete(1);
    stage.run(40);
    expect(stage.node(1).leads).toBe(true);
    stage.paused.add(1);
    stage.paused.add(2);
    stage.paused.add(3);
    stage.advance(500);
    stage.paused.clear();
    stage.advance(0);
    // It must assume that it has been replaced meanwhile.
    expect(stage.node(1).leads).toBe(false);
  });
});

describe('options', () => {
  it('the defaults go together', () => {
    expect(() => validateCoreOptions({ ...DEFAULT_CORE_OPTIONS, id: 1 })).not.toThrow();
  });

  it('all that is wrong is said at once', () => {
    const wrong = {
      id: 0,
      electionTimeoutMs: 100,
      heartbeatIntervalMs: 26,
      leaseReads: 1 as unknown as boolean,
      maxClockDriftPercent: 51,
      maxAppendBytes: 10.5,
      maxInflightAppends: 0,
      maxInflightBytes: 5,
      maxUncommittedBytes: 6,
      logRetentionBytes: -1,
      maxLogBytes: -2,
      diskTimeoutMs: 25,
    };
    try {
      validateCoreOptions(wrong);
      expect.unreachable();
    } catch (thrown) {
      expect(isDleError(thrown, 'DLE_INVALID_ARGUMENT')).toBe(true);
      for (const name of Object.keys(wrong)) expect(String(thrown)).toContain(name);
    }
  });
});
