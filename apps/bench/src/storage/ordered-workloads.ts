import { type Target, target } from '../targets.js';
import { type Contender, throughputs } from './contest.js';
import type { Figure } from './figures.js';
import { RANGE_ENTRIES } from './ordered-rounds.js';
import { timesTheFastest } from './ratios.js';
import type { SubjectName } from './subject-names.js';
import type { Measured, WorkloadContext, WorkloadPlan } from './workload-plan.js';

const SUBJECTS: readonly SubjectName[] = ['dle-ordered', 'lmdb-ordered', 'level-ordered'];
const OF_LMDB = { relation: '≥', value: 1.5, unit: '×' } as const;
const OF_LEVEL = { relation: '≥', value: 1, unit: '×' } as const;
/** A round of a scan reads everything, and lasts some seconds with as many keys as that. */
const MANY_KEYS = 2_000_000;
const ROUNDS_OF_MANY = 3;

export const SCAN: WorkloadPlan = {
  title: 'all entries in order',
  sizes: 'each',
  subjects: SUBJECTS,
  measure: (context) => measure(scanning(context), 'scan', 'iterator, nextv', 1),
};

export const RANGES: WorkloadPlan = {
  title: `${RANGE_ENTRIES} entries in order from a random key on`,
  sizes: 'each',
  subjects: SUBJECTS,
  measure: (context) => measure(context, 'ranges', 'iterator, all', rangesOf(context)),
};

/** What compaction makes of it: for information, since no program can be sure that it has run. */
export const ORDERED_COMPACTED: WorkloadPlan = {
  title: 'the same once everything has been compacted',
  sizes: 'each',
  subjects: ['dle-ordered'],
  measure: async (context) => {
    await context.stage.ask('dle-ordered', 'compact');
    const workload = 'ordered-compacted';
    const contenders = [
      { subject: 'dle-ordered', action: 'scan', title: 'dle iterator, all entries' },
      { subject: 'dle-ordered', action: 'ranges', title: 'dle iterator, ranges' },
    ] as const;
    const [scan] = await throughputs(scanning(context), workload, [contenders[0]], 1);
    const [range] = await throughputs(context, workload, [contenders[1]], rangesOf(context));
    return { figures: [scan!, range!], targets: [] };
  },
};

function rangesOf({ reads }: WorkloadContext): number {
  return Math.ceil(reads / RANGE_ENTRIES);
}

/** A round of scans is one; with many keys some rounds are enough. */
function scanning(context: WorkloadContext): WorkloadContext {
  const rounds = Math.min(context.rounds, ROUNDS_OF_MANY);
  return context.keys > MANY_KEYS ? { ...context, rounds } : context;
}

async function measure(
  context: WorkloadContext,
  action: 'scan' | 'ranges',
  how: string,
  amount: number,
): Promise<Measured> {
  const contenders: readonly Contender[] = [
    { subject: 'dle-ordered', action, title: `dle ${how}` },
    { subject: 'lmdb-ordered', action, title: 'lmdb getRange' },
    { subject: 'level-ordered', action, title: `classic-level ${how}` },
  ];
  const figures = await throughputs(context, action, contenders, amount);
  return { figures, targets: targetsOf(context.keys, action, figures) };
}

function targetsOf(keys: number, action: string, figures: readonly Figure[]): Target[] {
  const [dle, lmdb, level] = figures;
  return [
    target(`${action} beside lmdb getRange`, keys, OF_LMDB, timesTheFastest(dle!, [lmdb!])),
    target(`${action} beside classic-level`, keys, OF_LEVEL, timesTheFastest(dle!, [level!])),
  ];
}
