import type { NodeComponents, NodeOptions } from '@dle/server';
import type { DevicePlan } from './cluster/device.js';
import type { Dice } from './dice.js';
import { drawNetworkPlan, type NetworkPlan } from './network/network-plan.js';

type Tuning = NonNullable<NodeComponents['tuning']>;

/**
 * What one run is exposed to. Each seed draws its own mixture, often with some faults absent: a run
 * in which everything fails at once never gets far enough to show what a single fault does.
 */
export interface Plan {
  /** That form the cluster. */
  readonly nodes: number;
  /** That wait to be added. */
  readonly spares: number;
  readonly options: Required<
    Pick<NodeOptions, 'segmentSize' | 'electionTimeoutMs' | 'heartbeatIntervalMs'>
  >;
  readonly tuning: Tuning;
  readonly network: NetworkPlan;
  readonly device: DevicePlan;
  /** How wrong clocks may go, as a share of the time that passes. */
  readonly skew: number;
  /** Whether the faults wait until there is a cluster. */
  readonly formsInPeace: boolean;
  readonly msBetweenFaults: number;
  /** Whether the files are verified when all is over, and the cluster is opened once more. */
  readonly endsVerified: boolean;
  readonly opensAgain: boolean;
  readonly faults: readonly Fault[];
  readonly workload: WorkloadPlan;
  readonly operator: OperatorPlan;
}

export interface WorkloadPlan {
  /** Clients that follow the leader. */
  readonly followers: number;
  /** Clients that stay with one node each. */
  readonly pinned: number;
  readonly keys: number;
  readonly maxRestMs: number;
  readonly maxValueBytes: number;
}

export type Change = 'transfer' | 'add' | 'promote' | 'remove' | 'replace';

export interface OperatorPlan {
  readonly changes: readonly Change[];
  readonly msBetweenChanges: number;
  /** How many come when the faults are over. */
  readonly lastChanges: number;
}

const FAULTS = [
  'crash',
  'blackout',
  'kill',
  'restart',
  'crashInOperation',
  'killInOperation',
  'pause',
  'split',
  'isolate',
  'cutOneWay',
  'deafen',
  'heal',
  'slowLinks',
  'break',
  'breakOneSide',
  'fillDisk',
  'failFlush',
  'failWrite',
] as const;

export type Fault = (typeof FAULTS)[number];

/** With spares; what is in a list more often comes more often. */
const CHANGES: readonly (readonly Change[])[] = [
  ['transfer', 'add', 'promote'],
  ['transfer', 'add', 'promote', 'promote', 'remove'],
  ['add', 'replace', 'replace', 'transfer'],
];

/** What is in the list more often comes more often. */
const OFTEN: readonly Fault[] = ['crash', 'crash', 'kill', 'pause', 'heal', 'heal'];

export function drawPlan(dice: Dice): Plan {
  const electionTimeoutMs = dice.pick([100, 150, 300, 600, dice.between(100, 1_000)]);
  const heartbeatIntervalMs = Math.max(5, Math.floor(electionTimeoutMs / dice.between(4, 10)));
  const faults = [...FAULTS, ...OFTEN].filter(() => dice.chance(0.6));
  const segmentSize = dice.pick([4_096, 4_097, 8_192, 20_011, 65_536]);
  const spares = dice.pick([0, 0, 0, 1, 2, 3]);
  const maxClockDriftPercent = dice.pick([0, 1, 10, 30]);
  return {
    spares,
    nodes: dice.pick([1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
    options: { segmentSize, electionTimeoutMs, heartbeatIntervalMs },
    tuning: drawTuning(dice, maxClockDriftPercent),
    network: drawNetworkPlan(dice),
    device: {
      maxMs: dice.pick([0, 0.5, 5, 20]),
      hangs: dice.pick([0, 0, 0.001, 0.02]),
      maxHangMs: dice.pick([0.5, 3]) * electionTimeoutMs,
    },
    // The slowest clock and the fastest are just not further apart than the lease allows for.
    skew: dice.pick([0, 0.99 * (maxClockDriftPercent / (200 - maxClockDriftPercent))]),
    formsInPeace: dice.chance(0.85),
    endsVerified: dice.chance(0.3),
    opensAgain: dice.chance(0.2),
    msBetweenFaults: Math.ceil(electionTimeoutMs * dice.pick([0.5, 1, 3, 10])),
    faults: faults.length === 0 ? ['heal'] : faults,
    workload: {
      followers: dice.between(1, 3),
      pinned: dice.between(0, 2),
      keys: dice.pick([1, 2, 4]),
      maxRestMs: dice.pick([2, 10, 60]),
      maxValueBytes: dice.pick([50, 500, 2 * segmentSize]),
    },
    operator: drawOperatorPlan(dice, spares, electionTimeoutMs),
  };
}

function drawOperatorPlan(dice: Dice, spares: number, electionTimeoutMs: number): OperatorPlan {
  const changes: readonly Change[] = spares === 0 ? ['transfer'] : dice.pick(CHANGES);
  const msBetweenChanges = Math.ceil(electionTimeoutMs * dice.pick([1, 3, 10, 40]));
  return { changes, msBetweenChanges, lastChanges: dice.between(0, spares === 0 ? 1 : 4) };
}

function drawTuning(dice: Dice, maxClockDriftPercent: number): Tuning {
  const maxAppendBytes = dice.pick([1, 100, 1_000, 10_000, 1024 * 1024]);
  return {
    store: {
      tailCacheBytes: dice.pick([0, 1_000, 50_000, 32 * 1024 * 1024]),
      idleFlushMs: dice.pick([1, 20, 100]),
    },
    core: {
      maxClockDriftPercent,
      maxAppendBytes,
      maxInflightAppends: dice.pick([1, 2, 5, 64]),
      maxInflightBytes: maxAppendBytes * dice.pick([1, 3, 20]),
    },
  };
}
