import type { Clock } from '@dle/common';
import { expect, it } from 'vitest';
import { RateLimit } from '../../src/snapshots/rate-limit.js';

/** Time passes when somebody waits for it. */
function waitingClock(): Clock & { at: number } {
  const clock = {
    at: 0,
    now: () => clock.at,
    setTimer: (callback: () => void, delayMs: number) => {
      clock.at += delayMs;
      queueMicrotask(callback);
      return () => {};
    },
    defer: (callback: () => void) => queueMicrotask(callback),
  };
  return clock;
}

it('lets so many bytes pass in a second, and no more for having waited', async () => {
  const clock = waitingClock();
  const limit = new RateLimit({ clock }, 1_000);
  for (let second = 0; second < 10; second++) await limit.take(1_000, 0);
  expect(clock.at).toBe(9_000);
  clock.at += 60_000;
  const from = clock.at;
  for (let second = 0; second < 10; second++) await limit.take(1_000, 0);
  expect(clock.at - from).toBe(9_000);
});

it('takes a quarter of the time, where that is what it costs', async () => {
  const clock = waitingClock();
  const limit = new RateLimit({ clock }, 1_000_000);
  let worked = 0;
  for (let chunk = 0; chunk < 100; chunk++) {
    clock.at += 8;
    worked += 8;
    await limit.take(1_000, 8);
  }
  expect(worked / clock.at).toBeCloseTo(1 / 4, 1);
});
