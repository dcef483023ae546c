import { breathe } from '../interruption.js';
import { type Figure, type FigureOf, latency, throughput } from './figures.js';
import type { LatencyResult, RoundResult } from './subject.js';
import type { SubjectName } from './subject-names.js';
import type { WorkloadContext } from './workload-plan.js';

export interface Contender {
  readonly subject: SubjectName;
  readonly action: string;
  /** How its line is headed. */
  readonly title: string;
}

/** Rounds of all contenders in turns, after one of each that is not counted, in their order. */
async function rounds<Result>(
  { stage, rounds: count, signal }: WorkloadContext,
  contenders: readonly Contender[],
  amount: number,
): Promise<Result[][]> {
  const results: Result[][] = contenders.map(() => []);
  for (let round = -1; round < count; round++) {
    for (const [place, { subject, action }] of contenders.entries()) {
      await breathe(signal);
      const result = await stage.ask<Result>(subject, action, amount);
      if (round >= 0) results[place]!.push(result);
    }
  }
  return results;
}

/** How much each contender does in a second, in their order. */
export async function throughputs(
  context: WorkloadContext,
  workload: string,
  contenders: readonly Contender[],
  amount: number,
): Promise<Figure[]> {
  const results = await rounds<RoundResult>(context, contenders, amount);
  return contenders.map((one, at) => throughput(of(context, workload, one), results[at]!));
}

/** How long one operation of each contender takes, in their order. */
export async function latencies(
  context: WorkloadContext,
  workload: string,
  contenders: readonly Contender[],
  amount: number,
): Promise<Figure[]> {
  const results = await rounds<LatencyResult>(context, contenders, amount);
  return contenders.map((one, at) => latency(of(context, workload, one), results[at]!));
}

function of({ keys }: WorkloadContext, workload: string, { title }: Contender): FigureOf {
  return { workload, keys, subject: title };
}
