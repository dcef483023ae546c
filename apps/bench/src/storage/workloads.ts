import { NO_PAUSE } from './no-pause-workload.js';
import { MEMORY, OPEN } from './opening-workloads.js';
import { ORDERED_COMPACTED, RANGES, SCAN } from './ordered-workloads.js';
import { LATENCY, READ_COPY, READ_INTO, READ_VIEW, WITHOUT_ADDON } from './read-workloads.js';
import { COMPACTING, MANY_SEGMENTS, ORDERED_BATCHES, OVERWRITING } from './upkeep-workloads.js';
import type { WorkloadPlan } from './workload-plan.js';
import { BATCHES, MIXED, PUTS_IN_FLIGHT, SINGLE_PUT } from './write-workloads.js';

export type WorkloadName =
  | 'read-into'
  | 'read-copy'
  | 'read-view'
  | 'latency'
  | 'without-addon'
  | 'scan'
  | 'ranges'
  | 'ordered-compacted'
  | 'ordered-batches'
  | 'batches'
  | 'single-put'
  | 'puts-in-flight'
  | 'mixed'
  | 'memory'
  | 'open'
  | 'no-pause'
  | 'compacting'
  | 'overwriting'
  | 'many-segments';

/** In the order in which they are measured: reads before the data have been written over. */
export const WORKLOADS: Readonly<Record<WorkloadName, WorkloadPlan>> = {
  'read-into': READ_INTO,
  'read-copy': READ_COPY,
  'read-view': READ_VIEW,
  latency: LATENCY,
  'without-addon': WITHOUT_ADDON,
  scan: SCAN,
  ranges: RANGES,
  'ordered-compacted': ORDERED_COMPACTED,
  'ordered-batches': ORDERED_BATCHES,
  batches: BATCHES,
  'single-put': SINGLE_PUT,
  'puts-in-flight': PUTS_IN_FLIGHT,
  mixed: MIXED,
  memory: MEMORY,
  open: OPEN,
  'no-pause': NO_PAUSE,
  compacting: COMPACTING,
  overwriting: OVERWRITING,
  'many-segments': MANY_SEGMENTS,
};

export const WORKLOAD_NAMES: readonly WorkloadName[] = Object.keys(WORKLOADS) as WorkloadName[];
