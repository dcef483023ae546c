import { build } from 'hdr-histogram-js';
import type { Round } from './drive.js';

const NANOSECONDS_PER_MS = 1e6;
/** Longer than any request may take. */
const LONGEST_NS = 600e9;
/** A value in the histogram is off by less than a thousandth. */
const SIGNIFICANT_DIGITS = 3;

export interface Summary {
  /** Over all rounds. */
  readonly operations: number;
  /** Median over the rounds, as all that follow. */
  readonly operationsPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Throughput of the best round less that of the worst, as a share of the median. */
  readonly spread: number;
}

export function summarize(rounds: readonly Round[]): Summary {
  const all = rounds.map(summarizeRound);
  const throughputs = all.map((round) => round.operationsPerSecond);
  const operationsPerSecond = median(throughputs);
  return {
    operations: all.reduce((sum, round) => sum + round.operations, 0),
    operationsPerSecond,
    medianMs: median(all.map((round) => round.medianMs)),
    p99Ms: median(all.map((round) => round.p99Ms)),
    spread: (Math.max(...throughputs) - Math.min(...throughputs)) / operationsPerSecond,
  };
}

function summarizeRound({ elapsedMs, latenciesMs }: Round) {
  const histogram = build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST_NS,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
  });
  for (const latency of latenciesMs) {
    histogram.recordValue(Math.min(Math.round(latency * NANOSECONDS_PER_MS), LONGEST_NS));
  }
  return {
    operations: latenciesMs.length,
    operationsPerSecond: (latenciesMs.length / elapsedMs) * 1_000,
    medianMs: histogram.getValueAtPercentile(50) / NANOSECONDS_PER_MS,
    p99Ms: histogram.getValueAtPercentile(99) / NANOSECONDS_PER_MS,
  };
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  const upper = sorted[sorted.length >> 1]!;
  return sorted.length % 2 === 1 ? upper : (sorted[(sorted.length >> 1) - 1]! + upper) / 2;
}
