import { describe, expect, it } from 'vitest';
import { faultRun } from './fault-run.js';
import type { Fault } from './nemesis.js';

/** One change after the other, each as soon as the one before is over. */
function changes(...steps: readonly (readonly [Fault['kind'], Fault['victim']])[]): Fault[] {
  const rest = { lastsMs: 0, how: 'hold', delayMs: 0, dice: 1 } as const;
  return steps.map(([kind, victim], at) => ({ kind, victim, at: at * 700, ...rest }));
}

async function run(seed: number, schedule: readonly Fault[]): Promise<readonly string[]> {
  const { problems, hits, outcomes } = await faultRun({ seed, durationMs: 0, schedule });
  expect(problems, `${hits.join('\n')}\n${problems.join('\n')}`).toEqual([]);
  expect(outcomes.ok).toBeGreaterThan(100);
  return hits;
}

describe('a cluster under load', () => {
  it('grows from three to five, and shrinks to three, its leaders first', async () => {
    const steps = changes(
      ['grow', 'anybody'],
      ['grow', 'anybody'],
      ['transfer', 'follower'],
      ['shrink', 'leader'],
      ['shrink', 'follower'],
    );
    for (const hit of await run(1, steps)) expect(hit).toMatch(/: ok$/);
  });

  it('replaces members, one of them wiped, and changes its leader', async () => {
    const steps = changes(
      ['transfer', 'follower'],
      ['wipe', 'follower'],
      ['transfer', 'follower'],
      ['replace', 'leader'],
      ['wipe', 'leader'],
      ['transfer', 'follower'],
    );
    const hits = await run(2, steps);
    for (const hit of hits.filter((one) => !one.includes('transfer'))) expect(hit).toMatch(/: ok$/);
  });
});
