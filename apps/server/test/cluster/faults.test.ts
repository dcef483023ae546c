import { describe, expect, it } from 'vitest';
import { faultRun } from './fault-run.js';
import { describeFault, scheduleOf } from './nemesis.js';

const SEEDS = [1, 2, 3];
const DURATION_MS = 12_000;

describe('a schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    const told = (seed: number) => scheduleOf(seed, DURATION_MS).map(describeFault);
    expect(told(1)).toEqual(told(1));
    expect(told(1)).not.toEqual(told(2));
    expect(scheduleOf(1, DURATION_MS).every(({ at, lastsMs }) => at + lastsMs <= DURATION_MS)).toBe(
      true,
    );
  });
});

describe('real nodes under faults', () => {
  it.each(SEEDS)('stay linearizable and lose nothing, by seed %i', async (seed) => {
    const { problems, hits } = await faultRun({ seed, durationMs: DURATION_MS });
    expect(problems, `seed ${seed}:\n${hits.join('\n')}\n${problems.join('\n')}`).toEqual([]);
  });
});
