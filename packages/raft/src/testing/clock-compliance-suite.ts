import assert from 'node:assert/strict';
import type { Clock } from '@dle/common';
import type { TestFunction } from '@dle/storage/testing';

/** A clock, and how to wait by it. */
export interface ClockUnderTest {
  readonly clock: Clock;
  /**
   * Resolves when at least so many milliseconds have passed on the clock, and all timers and
   * deferred calls that are due by then have come.
   */
  pass(milliseconds: number): Promise<void>;
}

/** Timers of the real world may ring that much early: whoever is woken looks at the clock. */
const EARLY_MS = 1;

/** What every clock must do. `create` is called once per test. */
export function clockComplianceSuite(test: TestFunction, create: () => ClockUnderTest): void {
  const check = (name: string, body: (subject: ClockUnderTest) => Promise<void>): void => {
    test(name, () => body(create()));
  };

  check('never goes back, and goes on', async ({ clock, pass }) => {
    const start = clock.now();
    let last = start;
    for (let round = 0; round < 5; round++) {
      await pass(3);
      const now = clock.now();
      assert.ok(Number.isFinite(now) && now >= last, `${now} after ${last}`);
      last = now;
    }
    assert.ok(last >= start + 15, `${last} after 15 ms from ${start}`);
  });

  check('rings once, when the time is there', async ({ clock, pass }) => {
    const due = clock.now() + 10;
    const rung: number[] = [];
    clock.setTimer(() => rung.push(clock.now()), 10);
    assert.deepEqual(rung, []);
    await pass(30);
    assert.equal(rung.length, 1);
    assert.ok(rung[0]! >= due - EARLY_MS, `${rung[0]} instead of ${due}`);
  });

  check('rings at once for no delay, but not within the call', async ({ clock, pass }) => {
    let isSet = false;
    const rung: boolean[] = [];
    clock.setTimer(() => rung.push(isSet), 0);
    isSet = true;
    await pass(5);
    assert.deepEqual(rung, [true]);
  });

  check('does not ring when it is told not to', async ({ clock, pass }) => {
    const rung: string[] = [];
    const cancel = clock.setTimer(() => rung.push('cancelled'), 5);
    const cancelLater = clock.setTimer(() => rung.push('kept'), 5);
    cancel();
    cancel();
    await pass(20);
    cancelLater();
    await pass(5);
    assert.deepEqual(rung, ['kept']);
  });

  check('takes timers from a timer', async ({ clock, pass }) => {
    const rung: number[] = [];
    const again = (): void => {
      if (rung.push(clock.now()) < 3) clock.setTimer(again, 2);
    };
    clock.setTimer(again, 2);
    for (let round = 0; round < 100 && rung.length < 3; round++) await pass(2);
    await pass(10);
    assert.equal(rung.length, 3);
  });

  check('defers to the end of the turn, in the order of the calls', async ({ clock, pass }) => {
    const calls: string[] = [];
    clock.defer(() => calls.push('first'));
    clock.defer(() => calls.push('second'));
    calls.push('same turn');
    await Promise.resolve();
    calls.push('promises');
    await pass(1);
    assert.deepEqual(calls, ['same turn', 'promises', 'first', 'second']);
  });

  check('defers again what is deferred meanwhile', async ({ clock, pass }) => {
    const calls: string[] = [];
    clock.defer(() => {
      clock.defer(() => calls.push('inner'));
      calls.push('outer');
    });
    await pass(1);
    await pass(1);
    assert.deepEqual(calls, ['outer', 'inner']);
  });
}
