import { systemClock } from '@dle/common';
import { audit } from '../../src/testing/history/audit.js';
import { History, type Operation } from '../../src/testing/history/history.js';
import { Churn } from './churn.js';
import { FaultyCluster } from './faulty-cluster.js';
import { type Fault, letBefall, scheduleOf } from './nemesis.js';
import { Workload } from './workload.js';

export interface FaultRunOptions {
  readonly seed: number;
  /** For how long things go wrong, in milliseconds. */
  readonly durationMs: number;
  /** Where the data goes, and stays. Default: a temporary directory, removed at the end. */
  readonly dataDir?: string;
  /** Default: the faults of the seed. */
  readonly schedule?: readonly Fault[];
}

export interface FaultRunReport {
  readonly seed: number;
  /** The faults, and whom each has hit. */
  readonly hits: readonly string[];
  /** What must not have happened. */
  readonly problems: readonly string[];
  /** How many operations ended how. */
  readonly outcomes: Readonly<Record<Operation['outcome'], number>>;
  /** Milliseconds from the end of the last fault to the next acknowledged write. */
  readonly recoveryMs: number;
}

/** Small, so that the log rolls over under the faults. */
const SEGMENT_SIZE = '1MB';
/** Nodes that may become members: ids are not given twice, so each change takes a new one. */
const SPARES = 6;
/** Under which the write is stored that shows that the cluster serves again. */
const RECOVERY_KEY = 'recovered';

/**
 * One cluster, clients, and the faults of one seed; then everything is mended, the nodes must
 * converge, and what they hold and what the clients saw must be explained.
 */
export async function faultRun(options: FaultRunOptions): Promise<FaultRunReport> {
  const { seed, durationMs, dataDir, schedule = scheduleOf(seed, durationMs) } = options;
  const flags = ['--segment-size', SEGMENT_SIZE];
  const history = new History(systemClock);
  const problems: string[] = [];
  let hits: readonly string[] = [];
  let recoveryMs = Number.NaN;
  let contents = new Map<number, Map<string, Uint8Array>>();
  const cluster = await FaultyCluster.start({
    flags,
    spares: SPARES,
    ...(dataDir === undefined ? {} : { dataDir }),
  });
  const churn = new Churn(cluster);
  const workload = new Workload(cluster, history, seed);
  try {
    hits = await letBefall(cluster, churn, schedule);
    recoveryMs = await cluster.recovered(RECOVERY_KEY);
    await churn.finish();
    await workload.stop();
    await cluster.settled();
    contents = await contentsOf(cluster);
  } catch (thrown) {
    problems.push(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  } finally {
    // Whoever goes on would do so in the cluster that gets these ports next.
    await workload.stop();
    await churn.close();
    await cluster.destroy();
  }
  problems.push(...workload.problems);
  problems.push(...cluster.problems, ...audit(history, contents), ...idleProblems(history));
  return { seed, hits, problems, outcomes: countOutcomes(history), recoveryMs };
}

async function contentsOf(cluster: FaultyCluster): Promise<Map<number, Map<string, Uint8Array>>> {
  const contents = new Map<number, Map<string, Uint8Array>>();
  for (const id of cluster.ids) {
    const held = await cluster.contents(id);
    held.delete(RECOVERY_KEY);
    contents.set(id, held);
  }
  return contents;
}

/** A run in which nothing succeeds finds nothing wrong either. */
function idleProblems({ operations }: History): string[] {
  const done = new Set(
    operations.filter(({ outcome }) => outcome === 'ok').map(({ kind }) => kind),
  );
  const missing = (['put', 'get', 'del'] as const).filter((kind) => !done.has(kind));
  return missing.map((kind) => `no ${kind} has succeeded: the run has shown nothing`);
}

function countOutcomes({ operations }: History): Record<Operation['outcome'], number> {
  const counts = { ok: 0, unknown: 0, failed: 0 };
  for (const { outcome } of operations) counts[outcome]++;
  return counts;
}
