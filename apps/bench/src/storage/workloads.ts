import { NO_PAUSE } from './no-pause-workload.js';
import { MEMORY, OPEN } from './opening-workloads.js';
import { LATENCY, READ_COPY, READ_INTO, READ_VIEW, WITHOUT_ADDON } from './read-workloads.js';
import type { WorkloadPlan } from './workload-plan.js';
import { BATCHES, MIXED, PUTS_IN_FLIGHT, SINGLE_PUT } from './write-workloads.js';

export type WorkloadName =
  | 'read-into'
  | 'read-copy'
  | 'read-view'
  | 'latency'
  | 'without-addon'
  | 'batches'
  | 'single-put'
  | 'puts-in-flight'
  | 'mixed'
  | 'memory'
  | 'open'
  | 'no-pause';

/** In the order in which they are measured: reads before the data have been written over. */
export const WORKLOADS: Readonly<Record<WorkloadName, WorkloadPlan>> = {
  'read-into': READ_INTO,
  'read-copy': READ_COPY,
  'read-view': READ_VIEW,
  latency: LATENCY,
  'without-addon': WITHOUT_ADDON,
  batches: BATCHES,
  'single-put': SINGLE_PUT,
  'puts-in-flight': PUTS_IN_FLIGHT,
  mixed: MIXED,
  memory: MEMORY,
  open: OPEN,
  'no-pause': NO_PAUSE,
};

export const WORKLOAD_NAMES: readonly WorkloadName[] = Object.keys(WORKLOADS) as WorkloadName[];
