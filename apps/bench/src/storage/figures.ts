import { median } from '../summary.js';
import type { LatencyResult, RoundResult } from './subject.js';

export type Unit = 'ops/s' | 'ms' | 'µs' | 's' | 'bytes a key' | 'keys' | 'count' | '×';

/** One line of what was measured. */
export interface Figure {
  readonly workload: string;
  /** How many records there were. */
  readonly keys: number;
  /** Who did what. */
  readonly subject: string;
  readonly unit: Unit;
  /** Median over the rounds; `undefined` where the subject does not tell. */
  readonly value: number | undefined;
  /** Of each round. */
  readonly rounds: readonly number[];
  /** Best round less worst, as a share of the median. */
  readonly spread: number;
  readonly p99?: number;
}

export interface FigureOf {
  readonly workload: string;
  readonly keys: number;
  readonly subject: string;
}

/** A figure that has been taken once in each round, or once altogether. */
export function figure(of: FigureOf, unit: Unit, rounds: readonly number[]): Figure {
  const { workload, keys, subject } = of;
  const value = rounds.length === 0 ? undefined : median(rounds);
  const distance = Math.max(...rounds) - Math.min(...rounds);
  const spread = value === undefined || value === 0 ? 0 : distance / value;
  return { workload, keys, subject, unit, value, rounds, spread };
}

export function throughput(of: FigureOf, rounds: readonly RoundResult[]): Figure {
  const rates = rounds.map(({ operations, elapsedMs }) => (operations / elapsedMs) * 1_000);
  return figure(of, 'ops/s', rates);
}

export function latency(of: FigureOf, rounds: readonly LatencyResult[]): Figure {
  const microseconds = (ms: number) => ms * 1_000;
  const medians = rounds.map(({ medianMs }) => microseconds(medianMs));
  const p99 = microseconds(median(rounds.map(({ p99Ms }) => p99Ms)));
  return { ...figure(of, 'µs', medians), p99 };
}
