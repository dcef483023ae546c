import { target } from '../targets.js';
import { type Contender, latencies, throughputs } from './contest.js';
import { timesTheFastest } from './ratios.js';
import type { WorkloadPlan } from './workload-plan.js';

/** The founding figure of reads is for no more keys than that. */
const FOUNDING_KEYS = 1_000_000;
const FOUNDING_READS = 1_000_000;
/** Each is timed by itself. */
const MAX_TIMED = 200_000;

const DLE_SYNC: Contender = { subject: 'dle', action: 'get-sync', title: 'dle getSync' };

export const READ_INTO: WorkloadPlan = {
  title: 'reads into memory of the reader',
  sizes: 'each',
  subjects: ['dle', 'lmdb'],
  measure: async (context) => {
    const { keys } = context;
    const figures = await throughputs(
      context,
      'read-into',
      [
        { subject: 'dle', action: 'get-into', title: 'dle getInto' },
        { subject: 'lmdb', action: 'get-fast', title: 'lmdb getBinaryFast' },
        { subject: 'lmdb', action: 'get-fast-text', title: 'lmdb getBinaryFast, string keys' },
      ],
      context.reads,
    );
    const dle = figures[0]!;
    const ratio = timesTheFastest(dle, figures.slice(1));
    const targets = [
      target(
        'getInto beside lmdb getBinaryFast',
        keys,
        { relation: '≥', value: 3, unit: '×' },
        ratio,
      ),
    ];
    if (keys <= FOUNDING_KEYS) {
      const bound = { relation: '>', value: FOUNDING_READS, unit: 'ops/s' } as const;
      targets.push(target('getInto', keys, bound, dle.value));
    }
    return { figures, targets };
  },
};

export const READ_COPY: WorkloadPlan = {
  title: 'reads of copies',
  sizes: 'each',
  subjects: ['dle', 'lmdb', 'level'],
  measure: async (context) => {
    const figures = await throughputs(
      context,
      'read-copy',
      [
        DLE_SYNC,
        { subject: 'lmdb', action: 'get', title: 'lmdb get' },
        { subject: 'lmdb', action: 'get-text', title: 'lmdb get, string keys' },
        { subject: 'level', action: 'get-sync', title: 'classic-level getSync' },
      ],
      context.reads,
    );
    const ratio = timesTheFastest(figures[0]!, figures.slice(1, 3));
    const bound = { relation: '≥', value: 3, unit: '×' } as const;
    return { figures, targets: [target('getSync beside lmdb get', context.keys, bound, ratio)] };
  },
};

export const READ_VIEW: WorkloadPlan = {
  title: 'reads of borrowed bytes',
  sizes: 'each',
  subjects: ['dle', 'dle-text', 'map', 'map-own'],
  measure: async (context) => {
    const figures = await throughputs(
      context,
      'read-view',
      [
        { subject: 'dle-text', action: 'get-view-text', title: 'dle getView, string keys' },
        { subject: 'dle', action: 'get-view', title: 'dle getView, Uint8Array keys' },
        { subject: 'map', action: 'get', title: 'Map, few values shared' },
        { subject: 'map-own', action: 'get', title: 'Map, values of their own' },
      ],
      context.reads,
    );
    const ratio = timesTheFastest(figures[0]!, [figures[2]!]);
    const bound = { relation: '≥', value: 1.2, unit: '×' } as const;
    const what = 'getView beside a Map, string keys';
    return { figures, targets: [target(what, context.keys, bound, ratio)] };
  },
};

export const LATENCY: WorkloadPlan = {
  title: 'how long one read takes',
  sizes: 'each',
  subjects: ['dle', 'lmdb'],
  measure: async (context) => {
    const figures = await latencies(
      context,
      'latency',
      [
        { subject: 'dle', action: 'latency', title: 'dle getInto' },
        { subject: 'lmdb', action: 'latency', title: 'lmdb getBinaryFast' },
      ],
      Math.min(MAX_TIMED, context.reads),
    );
    const bound = { relation: '<', value: 1, unit: 'µs' } as const;
    const targets = [target('median of one getInto', context.keys, bound, figures[0]!.value)];
    return { figures, targets };
  },
};

export const WITHOUT_ADDON: WorkloadPlan = {
  title: 'reads without the addon',
  sizes: 'smallest',
  subjects: ['dle-without-addon', 'dle', 'raw'],
  measure: async (context) => {
    const figures = await throughputs(
      context,
      'without-addon',
      [
        { subject: 'dle-without-addon', action: 'get-sync', title: 'dle getSync, no addon' },
        DLE_SYNC,
        { subject: 'raw', action: 'read', title: 'pread of as many bytes' },
      ],
      context.reads,
    );
    const bound = { relation: '≥', value: 300_000, unit: 'ops/s' } as const;
    const what = 'getSync without the addon';
    return { figures, targets: [target(what, context.keys, bound, figures[0]!.value)] };
  },
};
