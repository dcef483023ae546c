import { runSeed, type SeedReport } from './seed-report.js';
import type { SimulationOptions } from './simulation.js';

/** Runs `count` seeds, from `first` on, in this thread; `done` is told of each. */
export async function runSeeds(
  first: number,
  count: number,
  options: SimulationOptions,
  done: (report: SeedReport) => void = () => {},
): Promise<void> {
  for (let seed = first; seed < first + count; seed++) done(await runSeed(seed, options));
}
