import { clockComplianceSuite } from '@dle/raft/testing';
import { describe, it } from 'vitest';
import { Life } from '../src/time/life.js';
import { VirtualTime } from '../src/time/virtual-time.js';

describe.each([0.5, 1, 2])('the clock of a life at rate %d', (rate) => {
  clockComplianceSuite(it, () => {
    const time = new VirtualTime(() => {});
    const { clock } = new Life(time, { number: 1, rate, startMs: 100, isDown: () => false });
    const pass = async (milliseconds: number): Promise<void> => {
      const end = clock.now() + milliseconds;
      clock.setTimer(() => {}, milliseconds);
      while (clock.now() < end) await time.proceed();
    };
    return { clock, pass };
  });
});
