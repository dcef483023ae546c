import type { BenchComponents } from '../in-turns.js';
import type { Target } from '../targets.js';
import type { Figure } from './figures.js';
import type { Stage } from './stage.js';
import type { SubjectName } from './subject-names.js';

/** What one workload has to work with. */
export interface WorkloadContext extends BenchComponents {
  readonly stage: Stage;
  readonly keys: number;
  readonly rounds: number;
  /** Reads of one round. */
  readonly reads: number;
  /** How long a round of writes takes. */
  readonly roundMs: number;
}

export interface Measured {
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
}

export interface WorkloadPlan {
  /** For a person who waits. */
  readonly title: string;
  /** With which numbers of keys it says something. */
  readonly sizes: 'each' | 'smallest' | 'largest';
  /** Whom it asks; those that no later workload asks are removed after it. */
  readonly subjects: readonly SubjectName[];
  readonly measure: (context: WorkloadContext) => Promise<Measured>;
}
