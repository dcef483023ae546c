import { describe, it } from 'vitest';
import {
  type StateMachineUnderTest,
  stateMachineComplianceSuite,
} from '../../../src/testing/index.js';
import { catchesDefects, type Defect } from './defects.js';

/** What each entry of the log adds; those of consensus nothing. */
const ENTRIES = [0, 0, 5, 7, 1, 0, 20, 3, 9, 4, 4, 30];
const NEUTRAL = [1, 2, 6];

/** A counter as a state machine, with the places where one can go wrong. */
class Counter {
  appliedIndex = 0;
  count = 0;

  apply(index: number): void {
    while (this.appliedIndex < index) this.count += ENTRIES[this.appliedIndex++]!;
  }

  /** What comes back when the process starts again: all that is applied is written at once here. */
  restarted(): Counter {
    const next = new (this.constructor as typeof Counter)();
    next.count = this.count;
    next.appliedIndex = this.appliedIndex;
    return next;
  }
}

async function counting(kind: typeof Counter = Counter): Promise<StateMachineUnderTest> {
  let counter = new kind();
  return {
    get stateMachine() {
      return counter;
    },
    lastIndex: ENTRIES.length,
    neutral: NEUTRAL,
    state: () => counter.count,
    restart: async () => {
      counter = counter.restarted();
    },
    dispose: async () => {},
  };
}

describe('a counter', () => {
  stateMachineComplianceSuite(it, () => counting());
});

function broken(caughtBy: string, kind: typeof Counter): Defect<Promise<StateMachineUnderTest>> {
  return { caughtBy, create: () => counting(kind) };
}

describe('state machines', () => {
  catchesDefects(stateMachineComplianceSuite, {
    'does not say how far it has come': broken(
      'begins with nothing applied, and says how far it has come',
      class extends Counter {
        override apply(index: number): void {
          super.apply(index);
          this.appliedIndex = index - 1;
        }
      },
    ),
    'applies later': broken(
      'reflects an entry as soon as it is applied, and those of consensus not at all',
      class extends Counter {
        override apply(index: number): void {
          const from = this.appliedIndex;
          this.appliedIndex = index;
          queueMicrotask(() => {
            for (const added of ENTRIES.slice(from, index)) this.count += added;
          });
        }
      },
    ),
    'counts the entries of consensus': broken(
      'reflects an entry as soon as it is applied, and those of consensus not at all',
      class extends Counter {
        override apply(index: number): void {
          super.apply(index);
          this.count++;
        }
      },
    ),
    'applies the last of many': broken(
      'comes to the same state in steps of any length',
      class extends Counter {
        override apply(index: number): void {
          this.appliedIndex = index - 1;
          super.apply(index);
        }
      },
    ),
    'forgets its state and not its index': broken(
      'comes back in the state of the index it names, and goes on from there',
      class extends Counter {
        override restarted(): Counter {
          return Object.assign(super.restarted(), { count: 0 });
        }
      },
    ),
    'forgets its index and not its state': broken(
      'comes back in the state of the index it names, and goes on from there',
      class extends Counter {
        override restarted(): Counter {
          return Object.assign(super.restarted(), { appliedIndex: 0 });
        }
      },
    ),
  });
});
