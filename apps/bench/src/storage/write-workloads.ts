import { breathe } from '../interruption.js';
import { target } from '../targets.js';
import { type Contender, throughputs } from './contest.js';
import { latency } from './figures.js';
import { latencyOf } from './latency.js';
import { timesAsLong, timesTheFastest } from './ratios.js';
import type { LatencyResult } from './subject.js';
import type { WorkloadContext, WorkloadPlan } from './workload-plan.js';

/** Ten times the founding figure. */
const MIXED_TARGET = 500_000;
/** Disks change their mood: the subjects take turns after so few puts. */
const BLOCK = 50;
const BLOCKS_A_SECOND = 20;

export const BATCHES: WorkloadPlan = {
  title: 'flushed batches of 1,000 puts',
  sizes: 'each',
  subjects: ['dle', 'lmdb', 'level'],
  measure: async (context) => {
    const { keys, roundMs } = context;
    const figures = await throughputs(
      context,
      'batches',
      [
        { subject: 'dle', action: 'batches', title: 'dle batch' },
        { subject: 'lmdb', action: 'batches-sync', title: 'lmdb transactionSync' },
        { subject: 'lmdb', action: 'batches-flushed', title: 'lmdb transaction, then flushed' },
        { subject: 'level', action: 'batches', title: 'classic-level batch, sync' },
      ],
      roundMs,
    );
    const [dle, sync, flushed, level] = figures;
    const ofLmdb = timesTheFastest(dle!, [sync!, flushed!]);
    const ofLevel = timesTheFastest(dle!, [level!]);
    return {
      figures,
      targets: [
        target('batches beside lmdb', keys, { relation: '≥', value: 8, unit: '×' }, ofLmdb),
        target(
          'batches beside classic-level',
          keys,
          { relation: '≥', value: 4, unit: '×' },
          ofLevel,
        ),
      ],
    };
  },
};

export const SINGLE_PUT: WorkloadPlan = {
  title: 'one durable put at a time',
  sizes: 'smallest',
  subjects: ['dle', 'raw'],
  measure: async (context) => {
    const contenders: readonly Contender[] = [
      { subject: 'dle', action: 'single-puts', title: 'dle put' },
      { subject: 'raw', action: 'single-puts', title: 'write, fdatasync' },
      { subject: 'raw', action: 'single-puts-sync', title: 'write, fdatasyncSync' },
    ];
    const results = await blockwise(context, contenders);
    const figures = contenders.map(({ title }, at) =>
      latency({ workload: 'single-put', keys: context.keys, subject: title }, results[at]!),
    );
    const ratio = timesAsLong(figures[0]!, figures[1]!);
    const bound = { relation: '≤', value: 1.3, unit: '×' } as const;
    const what = 'time of a put beside write and fdatasync';
    return { figures, targets: [target(what, context.keys, bound, ratio)] };
  },
};

export const PUTS_IN_FLIGHT: WorkloadPlan = {
  title: '64 durable puts in flight',
  sizes: 'smallest',
  subjects: ['dle'],
  measure: async (context) => {
    const figures = await throughputs(
      context,
      'puts-in-flight',
      [
        { subject: 'dle', action: 'puts-1', title: 'dle put, 1 in flight' },
        { subject: 'dle', action: 'puts-64', title: 'dle put, 64 in flight' },
      ],
      context.roundMs,
    );
    const ratio = timesTheFastest(figures[1]!, [figures[0]!]);
    const bound = { relation: '≥', value: 30, unit: '×' } as const;
    return { figures, targets: [target('64 in flight beside 1', context.keys, bound, ratio)] };
  },
};

export const MIXED: WorkloadPlan = {
  title: 'reads, and 20 % flushed writes',
  sizes: 'smallest',
  subjects: ['dle'],
  measure: async (context) => {
    const title = 'dle getSync and put, up to 256 in flight';
    const contenders: Contender[] = [{ subject: 'dle', action: 'mixed', title }];
    const figures = await throughputs(context, 'mixed', contenders, context.roundMs);
    const bound = { relation: '≥', value: MIXED_TARGET, unit: 'ops/s' } as const;
    const targets = [target('mixed, 20 % writes', context.keys, bound, figures[0]!.value)];
    return { figures, targets };
  },
};

/** Small blocks in turns; for each contender the latencies of each round. */
async function blockwise(
  { stage, rounds, roundMs, signal, keys }: WorkloadContext,
  contenders: readonly Contender[],
): Promise<LatencyResult[][]> {
  const results: LatencyResult[][] = contenders.map(() => []);
  const blocks = Math.max(1, Math.round((BLOCKS_A_SECOND * roundMs) / 1_000));
  const block = Math.min(BLOCK, keys);
  for (let round = -1; round < rounds; round++) {
    const times = contenders.map(() => new Float64Array(blocks * block));
    for (let at = 0; at < blocks; at++) {
      for (const [place, { subject, action }] of contenders.entries()) {
        await breathe(signal);
        const taken = await stage.ask<Float64Array>(subject, action, block);
        times[place]!.set(taken, at * block);
      }
    }
    if (round < 0) continue;
    // The clock's own cost is nothing beside a flush.
    for (const [place, one] of times.entries()) results[place]!.push(latencyOf(one, 0));
  }
  return results;
}
