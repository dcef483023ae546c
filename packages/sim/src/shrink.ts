import { type FailureReport, runSeed } from './seed-report.js';
import type { SimulationOptions } from './simulation.js';

/** Most runs that are tried, if nothing else is asked for: half a minute. */
const MOST_RUNS = 80;
/** Of the events of a failure, where the faults are tried to end. */
const PREFIXES = [0.25, 0.5, 0.75, 0.9];

export interface Shrunk {
  readonly failure: FailureReport;
  /** What gives it again. */
  readonly prefix: number | undefined;
  readonly without: readonly number[];
  readonly runs: number;
}

/**
 * Looks for a shorter run of a seed that fails in the same way: with an earlier end of the faults,
 * and without those of them that have nothing to do with it.
 */
export async function shrink(
  failure: FailureReport,
  options: SimulationOptions,
  mostRuns: number = MOST_RUNS,
): Promise<Shrunk> {
  let best: Omit<Shrunk, 'runs'> = { failure, prefix: undefined, without: [] };
  let runs = 0;

  async function attempt(prefix: number | undefined, without: readonly number[]): Promise<boolean> {
    if (runs++ >= mostRuns) return false;
    const report = await runSeed(failure.seed, { ...options, prefix, without: new Set(without) });
    if (report.failure === undefined) return false;
    if (report.failure.events > best.failure.events) return false;
    if (kindOf(report.failure) !== kindOf(failure)) return false;
    best = { failure: report.failure, prefix, without };
    return true;
  }

  async function shorten(): Promise<void> {
    for (let at = 0; at < PREFIXES.length; at++) {
      const prefix = Math.floor(best.failure.events * PREFIXES[at]!);
      if (await attempt(prefix, best.without)) at = -1;
    }
  }

  /** Half of the faults, a quarter, and so on, down to each of them alone. */
  async function leaveOut(): Promise<void> {
    const { faults } = best.failure;
    for (let size = Math.ceil(faults / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let first = 1; first <= faults; first += size) {
        const some = range(first, Math.min(first + size - 1, faults));
        const fewer = some.filter((number) => !best.without.includes(number));
        if (fewer.length > 0) await attempt(best.prefix, [...best.without, ...fewer]);
      }
    }
  }

  await shorten();
  await leaveOut();
  await shorten();
  return { ...best, runs: Math.min(runs, mostRuns) };
}

/** What was broken, whoever and whenever it was. */
function kindOf({ what }: FailureReport): string {
  return what.split('\n', 1)[0]!.replace(/[\da-f]*\d[\da-f]*/g, 'N');
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}
