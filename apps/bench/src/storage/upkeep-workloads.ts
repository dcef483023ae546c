import { type Target, target } from '../targets.js';
import type { BesideCompaction } from './beside-compaction.js';
import { type Figure, figure, type Unit } from './figures.js';
import type { ManySegments } from './many-segments.js';
import type { OrderedBatches } from './ordered-batches.js';
import type { Overwritten } from './overwriting.js';
import type { Measured, WorkloadContext, WorkloadPlan } from './workload-plan.js';

/** Where headers hardly count, and where they do. */
const VALUE_SIZES = [1_000, 100] as const;

const BESIDE_ORDERED = { relation: '≥', value: 0.7, unit: '×' } as const;
const P99 = { relation: '≤', value: 3, unit: '×' } as const;
const STALL = { relation: '<', value: 20, unit: 'ms' } as const;
const SPACE = { relation: '≤', value: 1.6, unit: '×' } as const;
const WRITTEN = { relation: '≤', value: 3.5, unit: '×' } as const;
const MANY = { relation: '≥', value: 0.5, unit: '×' } as const;

type Line = readonly [title: string, unit: Unit, value: number | readonly number[] | undefined];

export const ORDERED_BATCHES: WorkloadPlan = {
  title: 'batches with reads in order in between',
  sizes: 'smallest',
  subjects: ['upkeep'],
  measure: async (context) => {
    const { stage, keys, roundMs } = context;
    const rates = await stage.ask<OrderedBatches>('upkeep', 'ordered-batches', roundMs);
    const figures = figuresOf(context, 'ordered-batches', [
      ['dle batches of 1,000', 'ops/s', rates.alone],
      ['the same, an iterator in every tenth', 'ops/s', rates.beside],
    ]);
    const ratio = figures[1]!.value! / figures[0]!.value!;
    const what = 'batches with an iterator in every tenth, beside those without';
    return { figures, targets: [target(what, keys, BESIDE_ORDERED, ratio)] };
  },
};

export const COMPACTING: WorkloadPlan = {
  title: 'point reads while compacting',
  sizes: 'smallest',
  subjects: ['upkeep'],
  measure: async (context) => {
    const { stage, keys } = context;
    const { idle, compacting } = await stage.ask<BesideCompaction>('upkeep', 'beside-compaction');
    const figures = figuresOf(context, 'compacting', [
      ['p99 of getInto, nothing else', 'µs', idle.p99Ms * 1_000],
      ['p99 of getInto while compacting', 'µs', compacting.p99Ms * 1_000],
      ['reads while compacting', 'count', compacting.reads],
      ['longest stall, nothing else', 'ms', idle.longestStallMs],
      ['longest stall while compacting', 'ms', compacting.longestStallMs],
    ]);
    const ratio = compacting.p99Ms / idle.p99Ms;
    const targets = [
      target('p99 of reads while compacting, beside nothing else', keys, P99, ratio),
      target('longest stall while compacting', keys, STALL, compacting.longestStallMs),
    ];
    return { figures, targets };
  },
};

export const OVERWRITING: WorkloadPlan = {
  title: 'overwriting everything five times at half of the maximum',
  sizes: 'smallest',
  subjects: ['upkeep'],
  measure: async (context) => {
    const figures: Figure[] = [];
    const targets: Target[] = [];
    for (const valueBytes of VALUE_SIZES) {
      const one = await context.stage.ask<Overwritten>('upkeep', 'overwrite', valueBytes);
      const measured = overwriting(context, valueBytes, one);
      figures.push(...measured.figures);
      targets.push(...measured.targets);
    }
    return { figures, targets };
  },
};

function overwriting(context: WorkloadContext, valueBytes: number, one: Overwritten): Measured {
  const size = `${valueBytes.toLocaleString('en-US')}-byte values`;
  const figures = figuresOf(context, 'overwriting', [
    [`${size}: maximum without compaction`, 'ops/s', one.fullRate],
    [`${size}: rate of the run`, 'ops/s', one.rate],
    [`${size}: files / keys and values, at the end`, '×', one.ofUserAtEnd],
    [`${size}: the same, at most`, '×', one.ofUserAtMost],
    [`${size}: files / live records, at the end`, '×', one.ofRecordsAtEnd],
    [`${size}: bytes written / keys and values, by the system`, '×', one.writtenBySystem],
    [`${size}: the same by the store, without directories`, '×', one.written],
    [`${size}: sorted runs at the end`, 'count', one.sortedRuns],
  ]);
  const written = one.writtenBySystem ?? one.written;
  const targets = [
    target(`files / live records, ${size}`, context.keys, SPACE, one.ofRecordsAtEnd),
    target(`bytes written / user data, ${size}`, context.keys, WRITTEN, written),
  ];
  return { figures, targets };
}

export const MANY_SEGMENTS: WorkloadPlan = {
  title: 'a store of 20,000 segments',
  sizes: 'smallest',
  subjects: ['upkeep'],
  measure: async (context) => {
    const { stage, keys } = context;
    const many = await stage.ask<ManySegments>('upkeep', 'many-segments');
    const figures = figuresOf(context, 'many-segments', [
      ['segments', 'count', many.segments],
      ['open', 's', many.openSeconds],
      ['descriptors of the process', 'count', many.descriptors],
      ['maps of the process', 'count', many.maps],
      ['getInto', 'ops/s', many.rate],
      ['getInto in segments of the usual size', 'ops/s', many.usualRate],
    ]);
    const ratio = many.rate / many.usualRate;
    const what = 'reads of many segments, beside few';
    return { figures, targets: [target(what, keys, MANY, ratio)] };
  },
};

function figuresOf({ keys }: WorkloadContext, workload: string, lines: readonly Line[]): Figure[] {
  return lines.map(([subject, unit, value]) => {
    const values = value === undefined ? [] : typeof value === 'number' ? [value] : value;
    return figure({ workload, keys, subject }, unit, values);
  });
}
