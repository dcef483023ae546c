import type { Clock } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { Sparing } from '../../src/repair/sparing.js';
import type { Consensus } from '../../src/replica/participation.js';

/** A leader that could spare anybody in `spares`, and a clock that is set by hand. */
function setUp() {
  const state = { now: 0, isLeader: true, isDamaged: false, spares: [2, 3] as number[] };
  const clock: Clock = { now: () => state.now, setTimer: () => () => {}, defer: () => {} };
  const raft = {
    get isLeader() {
      return state.isLeader;
    },
    core: { canSpare: (id: number) => state.spares.includes(id) },
  };
  const sparing = new Sparing(
    {
      clock,
      consensus: () => ({ raft }) as unknown as Consensus,
      isDamaged: () => state.isDamaged,
      member: (id) => (id > 3 ? undefined : { id, instance: `i${id}`, address: '' }),
    },
    'c',
  );
  const ask = (node: number, instance = `i${node}`, cluster = 'c'): unknown => {
    const { control } = sparing.answer({ op: 'spare', node, instance, cluster });
    return control.spared;
  };
  return { state, sparing, ask };
}

describe('a leader that is asked whether a member can be spared', () => {
  it('says yes where consensus could go on without its data', () => {
    const { state, sparing, ask } = setUp();
    sparing.noticeRole();
    state.now += 10_000;
    expect(ask(2)).toBe(true);
    state.spares = [];
    state.now += 10_000;
    expect(ask(2)).toBe(false);
  });

  it('says no until it knows what has become of those that were spared before', () => {
    const { state, sparing, ask } = setUp();
    sparing.noticeRole();
    // Another leader may have said yes to node 3 a moment ago.
    expect(ask(2)).toBe(false);
    state.now += 10_000;
    expect(ask(2)).toBe(true);
    expect(ask(3)).toBe(false);
    // The same one may ask again.
    expect(ask(2)).toBe(true);
    state.now += 10_000;
    expect(ask(3)).toBe(true);
  });

  it('says no while its own data is damaged: what is so may be whole there alone', () => {
    const { state, sparing, ask } = setUp();
    sparing.noticeRole();
    state.now += 10_000;
    state.isDamaged = true;
    expect(ask(2)).toBe(false);
    state.isDamaged = false;
    expect(ask(2)).toBe(true);
  });

  it('says no where it does not lead, and to strangers', () => {
    const { state, sparing, ask } = setUp();
    sparing.noticeRole();
    state.now += 10_000;
    expect([ask(4), ask(2, 'another'), ask(2, 'i2', 'another')]).toEqual([false, false, false]);
    state.isLeader = false;
    sparing.noticeRole();
    expect(ask(2)).toBe(false);
    // It is as new as any other when it leads again.
    state.isLeader = true;
    sparing.noticeRole();
    expect(ask(2)).toBe(false);
  });
});
