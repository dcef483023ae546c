import type { NodeComponents, NodeOptions } from '@dle/server';
import type { DevicePlan } from './cluster/device.js';
import type { Dice } from './dice.js';
import { drawNetworkPlan, type NetworkPlan } from './network/network-plan.js';

type Tuning = NonNullable<NodeComponents['tuning']> & {
  readonly core: { readonly diskTimeoutMs: number };
};

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
  /** Whether nodes lose data, that the others hold. */
  readonly losesData: boolean;
  /** Whether the faults wait until there is a cluster. */
  readonly formsInPeace: boolean;
  readonly msBetweenFaults: number;
  /** Whether, when all others are over, one more fault comes, which must hardly be felt. */
  readonly meetsOneFault: boolean;
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

export type ProcessFault = 'crash' | 'kill' | 'blackout' | 'absence' | 'restart' | 'pause';

export type DiskFault =
  | 'crashInOperation'
  | 'killInOperation'
  | 'fillDisk'
  | 'failFlush'
  | 'failWrite'
  | 'slowDisk'
  | 'hangDisk'
  | 'wipe'
  | 'rot'
  | 'loseFile';

export type NetworkFault =
  | 'split'
  | 'isolate'
  | 'cutOneWay'
  | 'deafen'
  | 'heal'
  | 'slowLinks'
  | 'break'
  | 'breakOneSide'
  | 'garble';

export type Fault = ProcessFault | DiskFault | NetworkFault | 'succession';

const PROCESS_FAULTS: readonly Fault[] = [
  'crash',
  'kill',
  'blackout',
  'absence',
  'restart',
  'pause',
];
const DISK_FAULTS: readonly Fault[] = [
  'crashInOperation',
  'killInOperation',
  'fillDisk',
  'failFlush',
  'failWrite',
  'slowDisk',
  'hangDisk',
  'wipe',
];
const NETWORK_FAULTS: readonly Fault[] = [
  'split',
  'isolate',
  'cutOneWay',
  'deafen',
  'heal',
  'slowLinks',
  'break',
  'breakOneSide',
  'garble',
];

/** What is in the list more often comes more often. */
const ALL: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...DISK_FAULTS,
  ...NETWORK_FAULTS,
  'succession',
  ...(['crash', 'crash', 'kill', 'pause', 'heal', 'heal'] as const),
];

/** Damage of the data of a few nodes: then all that the others hold has to stay. */
const ROT: readonly Fault[] = [
  ...(['rot', 'rot', 'rot', 'loseFile', 'crash', 'kill', 'restart', 'isolate'] as const),
  ...(['heal', 'heal', 'blackout', 'absence', 'succession'] as const),
];

/** What a run can be about: few kinds of faults, again and again, come further than all at once. */
const THEMES: readonly (readonly Fault[])[] = [
  ALL,
  ALL,
  ALL,
  ['succession', 'succession', 'blackout', 'heal'],
  ['succession', 'isolate', 'heal', 'crash', 'pause', 'breakOneSide'],
  ['blackout', 'crash', 'crashInOperation', 'absence', 'heal'],
  [...DISK_FAULTS, 'blackout', 'crash', 'kill'],
  ['wipe', 'wipe', 'crash', 'isolate', 'heal', 'heal', 'absence'],
  ['wipe', 'wipe', 'wipe', 'crash', 'heal'],
  ROT,
  [...NETWORK_FAULTS, 'heal', 'heal', 'pause'],
];

/** Whoever has lost its data has its place taken by another. */
const LOSSES: readonly Fault[] = ['wipe', 'rot', 'loseFile'];

/** With spares; what is in a list more often comes more often. */
const CHANGES: readonly (readonly Change[])[] = [
  ['transfer', 'add', 'promote'],
  ['transfer', 'add', 'promote', 'promote', 'remove'],
  ['add', 'replace', 'replace', 'transfer'],
];

export function drawPlan(dice: Dice): Plan {
  const electionTimeoutMs = dice.pick([100, 150, 300, 600, dice.between(100, 1_000)]);
  const heartbeatIntervalMs = Math.max(5, Math.floor(electionTimeoutMs / dice.pick([4, 4, 5, 8])));
  const theme = dice.pick(THEMES);
  const faults = theme.filter(() => dice.chance(theme === ALL ? 0.6 : 0.85));
  const segmentSize = dice.pick([4_096, 4_097, 8_192, 20_011, 65_536]);
  const isOfLoss = faults.some((fault) => LOSSES.includes(fault));
  const spares = dice.pick(isOfLoss ? [0, 1, 2, 3] : [0, 0, 0, 1, 2, 3]);
  const maxClockDriftPercent = dice.pick([0, 1, 10, 30]);
  return {
    spares,
    nodes: dice.pick(isOfLoss ? [3, 3, 4, 5] : [1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5, 5, 7]),
    options: { segmentSize, electionTimeoutMs, heartbeatIntervalMs },
    tuning: drawTuning(dice, electionTimeoutMs, maxClockDriftPercent),
    network: drawNetworkPlan(dice),
    device: {
      maxMs: dice.pick([0, 0.5, 5, 20]),
      hangs: dice.pick([0, 0, 0.001, 0.02]),
      maxHangMs: dice.pick([0.5, 3]) * electionTimeoutMs,
    },
    // The slowest clock and the fastest are just not further apart than the lease allows for.
    skew: dice.pick([0, 0.99 * (maxClockDriftPercent / (200 - maxClockDriftPercent))]),
    formsInPeace: isOfLoss || dice.chance(0.85),
    meetsOneFault: dice.chance(0.4),
    endsVerified: dice.chance(0.3),
    opensAgain: dice.chance(0.2),
    losesData: isOfLoss,
    msBetweenFaults: Math.ceil(electionTimeoutMs * dice.pick([0.3, 0.6, 1, 3])),
    faults: faults.length === 0 ? ['heal'] : faults,
    workload: {
      followers: dice.between(1, 3),
      pinned: dice.between(0, 3),
      keys: dice.pick([1, 2, 4]),
      maxRestMs: Math.ceil(electionTimeoutMs * dice.pick([0.02, 0.1, 0.4])),
      maxValueBytes: dice.pick([50, 500, 2 * segmentSize]),
    },
    operator: drawOperatorPlan(dice, spares, electionTimeoutMs),
  };
}

function drawOperatorPlan(dice: Dice, spares: number, electionTimeoutMs: number): OperatorPlan {
  const changes: readonly Change[] = spares === 0 ? ['transfer'] : dice.pick(CHANGES);
  const msBetweenChanges = Math.ceil(electionTimeoutMs * dice.pick([1, 2, 4, 10]));
  return { changes, msBetweenChanges, lastChanges: dice.between(0, spares === 0 ? 1 : 4) };
}

function drawTuning(dice: Dice, electionTimeoutMs: number, maxClockDriftPercent: number): Tuning {
  const maxAppendBytes = dice.pick([1, 100, 1_000, 10_000, 1024 * 1024]);
  return {
    store: {
      tailCacheBytes: dice.pick([0, 1_000, 50_000, 32 * 1024 * 1024]),
      idleFlushMs: dice.pick([1, 20, 100]),
    },
    core: {
      maxClockDriftPercent,
      diskTimeoutMs: electionTimeoutMs * dice.pick([1, 2, 10]),
      logRetentionBytes: dice.pick([0, 2_000, 30_000, 256 * 1024 * 1024]),
      maxAppendBytes,
      maxInflightAppends: dice.pick([1, 2, 5, 64]),
      maxInflightBytes: maxAppendBytes * dice.pick([1, 3, 20]),
    },
  };
}
