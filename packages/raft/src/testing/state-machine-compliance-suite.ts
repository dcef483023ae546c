import assert from 'node:assert/strict';
import { randomBelow, SeededRandom } from '@dle/common';
import type { TestFunction } from '@dle/storage/testing';
import type { StateMachine } from '../driver/ports.js';

/** A state machine over a log in which everything is committed; at first, nothing is applied. */
export interface StateMachineUnderTest {
  readonly stateMachine: StateMachine;
  /** Of the last entry. The entries are the same ones at each call of `create`. */
  readonly lastIndex: number;
  /** Indexes of the entries of consensus, at least one: they change nothing. */
  readonly neutral: readonly number[];
  /** Everything that a reader could see now, as plain data that later changes leave alone. */
  state(): unknown;
  /** The process ends and starts again: what `stateMachine` and `state` are from then on. */
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

const WAYS = 10;

/** What every state machine must do. `create` is called some times per test. */
export function stateMachineComplianceSuite(
  test: TestFunction,
  create: () => Promise<StateMachineUnderTest>,
): void {
  const using = async <T>(body: (subject: StateMachineUnderTest) => Promise<T>): Promise<T> => {
    const subject = await create();
    try {
      return await body(subject);
    } finally {
      await subject.dispose();
    }
  };
  /** The states after each entry, from none on, as one machine goes through them step by step. */
  const statesOf = (): Promise<unknown[]> =>
    using(async (subject) => {
      const states = [subject.state()];
      for (let index = 1; index <= subject.lastIndex; index++) {
        subject.stateMachine.apply(index);
        states.push(subject.state());
      }
      return states;
    });

  test('begins with nothing applied, and says how far it has come', () =>
    using(async ({ stateMachine, lastIndex }) => {
      assert.equal(stateMachine.appliedIndex, 0);
      for (let index = 1; index <= lastIndex; index++) {
        stateMachine.apply(index);
        assert.equal(stateMachine.appliedIndex, index);
      }
    }));

  test('reflects an entry as soon as it is applied, and those of consensus not at all', async () => {
    const states = await statesOf();
    await using(async (subject) => {
      assert.ok(subject.neutral.length > 0, 'there are entries of consensus');
      for (let index = 1; index <= subject.lastIndex; index++) {
        const before = subject.state();
        assert.deepEqual(before, states[index - 1]);
        subject.stateMachine.apply(index);
        if (subject.neutral.includes(index)) assert.deepEqual(subject.state(), before);
        else assert.notDeepEqual(subject.state(), before, `entry ${index}`);
      }
    });
  });

  test('comes to the same state in steps of any length', async () => {
    const states = await statesOf();
    for (let way = 0; way < WAYS; way++) {
      const random = new SeededRandom(way);
      await using(async (subject) => {
        const { stateMachine, lastIndex } = subject;
        for (let index = 0; index < lastIndex; ) {
          const left = lastIndex - index;
          index += way === 0 ? left : 1 + randomBelow(random, left);
          stateMachine.apply(index);
          assert.equal(stateMachine.appliedIndex, index);
          assert.deepEqual(subject.state(), states[index], `after entry ${index}, way ${way}`);
        }
      });
    }
  });

  test('comes back in the state of the index it names, and goes on from there', async () => {
    const states = await statesOf();
    await using(async (subject) => {
      const { lastIndex } = subject;
      for (const stop of [Math.floor(lastIndex / 3), Math.floor(lastIndex / 2), lastIndex]) {
        if (subject.stateMachine.appliedIndex < stop) subject.stateMachine.apply(stop);
        await subject.restart();
        const { appliedIndex } = subject.stateMachine;
        assert.ok(appliedIndex <= lastIndex, `index ${appliedIndex} in a log of ${lastIndex}`);
        assert.deepEqual(subject.state(), states[appliedIndex], `after entry ${appliedIndex}`);
      }
      if (subject.stateMachine.appliedIndex < lastIndex) subject.stateMachine.apply(lastIndex);
      assert.deepEqual(subject.state(), states[lastIndex]);
    });
  });
}
