import { DleError } from '@dle/common';
import { expect, it } from 'vitest';
import { Applier } from '../../src/driver/applier.js';
import { VirtualClock } from './virtual-clock.js';

const BROKEN_AT = 10_000;

function setUp(brokenAt = Number.POSITIVE_INFINITY) {
  const clock = new VirtualClock();
  const calls: number[] = [];
  const failures: DleError[] = [];
  const stateMachine = {
    appliedIndex: 0,
    apply(index: number) {
      if (index >= brokenAt) throw new DleError('DLE_CORRUPT', 'an entry is damaged');
      stateMachine.appliedIndex = index;
    },
  };
  const applier = new Applier(
    { stateMachine, clock },
    (index) => calls.push(index),
    (error) => failures.push(error),
  );
  return { applier, calls, clock, failures, stateMachine };
}

it('applies a long stretch in slices, and what is committed meanwhile with it', async () => {
  const { applier, calls, clock, failures } = setUp();
  applier.applyUpTo(9_000);
  expect(calls).toHaveLength(1);
  applier.applyUpTo(12_000);
  expect(calls).toHaveLength(1);
  await clock.pass(1);
  expect(calls.at(-1)).toBe(12_000);
  expect(calls.length).toBeGreaterThan(2);
  applier.applyUpTo(12_000);
  expect(calls.at(-2)).not.toBe(12_000);
  expect(failures).toEqual([]);
});

it('throws what the state machine throws at once, and reports it later', async () => {
  const { applier, clock, failures } = setUp(BROKEN_AT);
  applier.applyUpTo(BROKEN_AT + 5_000);
  expect(failures).toEqual([]);
  await clock.pass(1);
  expect(failures).toEqual([expect.objectContaining({ code: 'DLE_CORRUPT' })]);
  const other = setUp(1);
  expect(() => other.applier.applyUpTo(1)).toThrow('an entry is damaged');
});

it('applies nothing once it is stopped', async () => {
  const { applier, calls, clock } = setUp();
  applier.applyUpTo(BROKEN_AT);
  applier.stop();
  await clock.pass(1);
  expect(calls).toHaveLength(1);
});
