import { type Clock, systemClock } from '@dle/common';
import { describe, it } from 'vitest';
import { type ClockUnderTest, clockComplianceSuite } from '../../../src/testing/index.js';
import { VirtualClock } from '../virtual-clock.js';
import { catchesDefects } from './defects.js';

describe('the clock of this machine', () => {
  clockComplianceSuite(it, () => ({
    clock: systemClock,
    pass: async (milliseconds) => {
      const end = systemClock.now() + milliseconds;
      while (systemClock.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, end - systemClock.now()));
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  }));
});

function virtual(change: (clock: VirtualClock) => Partial<Clock> = () => ({})): ClockUnderTest {
  const time = new VirtualClock();
  const clock: Clock = {
    now: () => time.now(),
    setTimer: (callback, delayMs) => time.setTimer(callback, delayMs),
    defer: (callback) => time.defer(callback),
    ...change(time),
  };
  return { clock, pass: (milliseconds) => time.pass(milliseconds) };
}

describe('a clock that is told how time passes', () => {
  clockComplianceSuite(it, virtual);
});

describe('clocks', () => {
  catchesDefects(clockComplianceSuite, {
    'is set back': {
      caughtBy: 'never goes back, and goes on',
      create: () => virtual((time) => ({ now: () => time.now() % 10 })),
    },
    'rings twice': {
      caughtBy: 'rings once, when the time is there',
      create: () =>
        virtual((time) => ({
          setTimer: (callback, delayMs) => {
            time.setTimer(callback, delayMs + 5);
            return time.setTimer(callback, delayMs);
          },
        })),
    },
    'rings within the call that sets it': {
      caughtBy: 'rings at once for no delay, but not within the call',
      create: () =>
        virtual((time) => ({
          setTimer: (callback, delayMs) => {
            if (delayMs > 0) return time.setTimer(callback, delayMs);
            callback();
            return () => {};
          },
        })),
    },
    'cannot be told not to ring': {
      caughtBy: 'does not ring when it is told not to',
      create: () =>
        virtual((time) => ({
          setTimer: (callback, delayMs) => {
            time.setTimer(callback, delayMs);
            return () => {};
          },
        })),
    },
    'hears nothing while it rings': {
      caughtBy: 'takes timers from a timer',
      create: () =>
        virtual((time) => {
          let isRinging = false;
          return {
            setTimer: (callback, delayMs) => {
              const ring = (): void => {
                isRinging = true;
                callback();
                isRinging = false;
              };
              return isRinging ? () => {} : time.setTimer(ring, delayMs);
            },
          };
        }),
    },
    'defers to the promises of the same turn': {
      caughtBy: 'defers to the end of the turn, in the order of the calls',
      create: () => virtual(() => ({ defer: (callback) => queueMicrotask(callback) })),
    },
    'forgets what is deferred meanwhile': {
      caughtBy: 'defers again what is deferred meanwhile',
      create: () =>
        virtual((time) => {
          let isBusy = false;
          return {
            defer: (callback) => {
              if (isBusy) return;
              time.defer(() => {
                isBusy = true;
                callback();
                isBusy = false;
              });
            },
          };
        }),
    },
  });
});
