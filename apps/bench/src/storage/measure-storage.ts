import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nativeStatus } from '@dle/storage';
import type { BenchComponents } from '../in-turns.js';
import { describeMachine } from '../machine.js';
import type { Target } from '../targets.js';
import { KEY_BYTES, VALUE_BYTES } from '../workload.js';
import type { Figure } from './figures.js';
import { linearity } from './opening-workloads.js';
import { Stage } from './stage.js';
import type { StorageReport } from './storage-report.js';
import { WORKLOADS, type WorkloadName } from './workloads.js';

const MAX_READS = 500_000;
const MAX_ROUND_MS = 1_000;
const MIN_ROUND_MS = 50;
/** With fewer keys, rounds of writes become shorter than `MAX_ROUND_MS`. */
const KEYS_A_ROUND_MS = 1_000;

export interface StorageOptions {
  readonly directory: string;
  /** Numbers of keys, from the smallest to the largest. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly workloads: readonly WorkloadName[];
}

/** One store beside its peers, each in a process of its own. */
export async function measureStorage(
  components: BenchComponents,
  options: StorageOptions,
): Promise<StorageReport> {
  const machine = describeMachine(options.directory);
  const figures: Figure[] = [];
  const targets: Target[] = [];
  for (const keys of options.sizes) {
    for await (const measured of measureSize(components, options, keys)) {
      figures.push(...measured.figures);
      targets.push(...measured.targets);
    }
  }
  targets.push(...linearity({ figures }));
  const title = `dle bench storage: ${KEY_BYTES}-byte keys, ${VALUE_BYTES}-byte values, ${options.rounds} rounds`;
  return { title, machine, addon: nativeStatus(), figures, targets };
}

async function* measureSize(components: BenchComponents, options: StorageOptions, keys: number) {
  const directory = join(options.directory, String(keys));
  mkdirSync(directory);
  const stage = new Stage(components, { directory, keys });
  const context = { ...components, stage, keys, rounds: options.rounds, ...roundSizes(keys) };
  const plans = workloadsAt(options, keys).map((name) => ({ name, ...WORKLOADS[name] }));
  try {
    for (const [at, plan] of plans.entries()) {
      const progress = (what: string): void =>
        components.progress(`${keys.toLocaleString('en-US')} keys, ${plan.title}: ${what}`);
      progress('measuring');
      yield await plan.measure({ ...context, progress });
      const later = new Set(plans.slice(at + 1).flatMap(({ subjects }) => [...subjects]));
      for (const subject of plan.subjects) if (!later.has(subject)) await stage.remove(subject);
    }
  } finally {
    await stage.removeAll();
  }
}

function workloadsAt({ workloads, sizes }: StorageOptions, keys: number): WorkloadName[] {
  return workloads.filter((name) => {
    const at = WORKLOADS[name].sizes;
    if (at === 'each') return true;
    return keys === (at === 'smallest' ? sizes[0] : sizes.at(-1));
  });
}

function roundSizes(keys: number): { reads: number; roundMs: number } {
  const roundMs = Math.round(keys / KEYS_A_ROUND_MS);
  return {
    reads: Math.min(keys, MAX_READS),
    roundMs: Math.min(MAX_ROUND_MS, Math.max(MIN_ROUND_MS, roundMs)),
  };
}
