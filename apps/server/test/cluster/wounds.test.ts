import { expect, it } from 'vitest';
import { woundRun } from './wound-run.js';

it.each([1, 2])(
  'real nodes whose files are wounded are whole again, by seed %i',
  async (seed) => {
    const { problems, wounds, repairs } = await woundRun({ seed, wounds: 10 });
    expect(problems, `seed ${seed}:\n${[...wounds, ...problems].join('\n')}`).toEqual([]);
    expect(repairs).toBeGreaterThan(0);
  },
  300_000,
);
