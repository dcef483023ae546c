import type { LatencyResult } from './subject.js';

const CLOCK_READINGS = 100_000;

/** What `timesMs` were, less what it cost to take them. Sorts `timesMs`. */
export function latencyOf(timesMs: Float64Array, clockMs: number = clockCostMs()): LatencyResult {
  const less = (time: number) => Math.max(0, time - clockMs);
  return {
    operations: timesMs.length,
    medianMs: less(percentile(timesMs.sort(), 50)),
    p99Ms: less(percentile(timesMs, 99)),
    clockMs,
  };
}

/** The smallest of `sorted` that is no smaller than `percent` of them. */
export function percentile(sorted: Float64Array, percent: number): number {
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** The median of taking the time and doing nothing until it is taken again. */
function clockCostMs(): number {
  const times = new Float64Array(CLOCK_READINGS);
  for (let at = 0; at < times.length; at++) {
    const start = performance.now();
    times[at] = performance.now() - start;
  }
  return percentile(times.sort(), 50);
}
