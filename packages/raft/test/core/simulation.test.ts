import { describe, expect, it } from 'vitest';
import { Coverage, simulate } from '../../src/testing/index.js';

/**
 * Other seeds each time would find more, and could not be repeated; `pnpm --filter @dle/raft sim`
 * runs those.
 */
const SEEDS = 400;

describe('simulation', () => {
  it(`keeps every promise under ${SEEDS} seeds, and comes across every rare branch`, () => {
    const coverage = new Coverage();
    let committed = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = simulate(seed);
      coverage.add(result.coverage);
      committed += result.committed;
    }
    expect(committed).toBeGreaterThan(SEEDS * 20);
    const unseen = [...coverage.counts].filter(([, count]) => count === 0);
    expect(unseen).toEqual([]);
  });

  it('gives the same history for the same seed, and others for others', () => {
    const hashes = [7, 8, 9].map((seed) => simulate(seed).hash);
    expect([7, 8, 9].map((seed) => simulate(seed).hash)).toEqual(hashes);
    expect(new Set(hashes).size).toBe(3);
  });

  it('is not changed by being watched', () => {
    let lines = 0;
    const watched = simulate(7, {
      trace: () => {
        lines++;
      },
    });
    expect(watched.hash).toBe(simulate(7).hash);
    expect(lines).toBeGreaterThan(watched.steps);
  });
});
