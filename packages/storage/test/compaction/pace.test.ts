import { describe, expect, it } from 'vitest';
import { GrowthRate } from '../../src/compaction/pace.js';
import { ManualClock } from '../support/manual-clock.js';

describe('how fast something grows', () => {
  it('is told from one look to the next', () => {
    const clock = new ManualClock();
    const growth = new GrowthRate(clock, 1_000);
    clock.pass(2_000);
    expect(growth.look(5_000)).toBe(2_000);
    clock.pass(500);
    expect(growth.look(5_050)).toBe(100);
    clock.pass(500);
    expect(growth.look(5_050)).toBe(0);
  });

  it('is not told from looks that lie next to each other, nor is it ever below nothing', () => {
    const clock = new ManualClock();
    const growth = new GrowthRate(clock, 0);
    clock.pass(1_000);
    expect(growth.look(700)).toBe(700);
    clock.pass(1);
    expect(growth.look(90_000)).toBe(700);
    clock.pass(999);
    expect(growth.look(90_700)).toBe(90_000);
    clock.pass(1_000);
    expect(growth.look(100)).toBe(0);
  });
});
