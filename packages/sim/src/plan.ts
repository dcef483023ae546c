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
  /** How long two halves do not hear each other from the beginning on; 0: they do. */
  readonly bornApartMs: number;
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

/** What takes several steps, each when the one before has had its effect. */
export type PlotFault = (typeof PLOT_FAULTS)[number];

export type Fault = ProcessFault | DiskFault | NetworkFault | PlotFault | 'succession';

const PLOT_FAULTS = [
  'overwrite',
  'depose',
  'relapse',
  'crashAfterFlush',
  'starveSnapshot',
] as const;

export function isPlot(fault: Fault): fault is PlotFault {
  return PLOT_FAULTS.some((plot) => plot === fault);
}

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
  ...(['rot', 'rot', 'loseFile', 'loseFile', 'crash', 'kill', 'restart'] as const),
  ...(['heal', 'heal', 'blackout', 'absence', 'succession'] as const),
];

/** What a run can be about: few kinds of faults, again and again, come further than all at once. */
const THEMES: readonly (readonly Fault[])[] = [
  ALL,
  ALL,
  ALL,
  ['succession', 'succession', 'blackout', 'heal'],
  ['succession', 'isolate', 'heal', 'crash', 'pause', 'breakOneSide'],
  ['blackout', 'crash', 'crashInOperation', 'crashAfterFlush', 'absence', 'heal'],
  [...DISK_FAULTS, 'blackout', 'crash', 'kill', 'relapse', 'crashAfterFlush'],
  ['wipe', 'wipe', 'crash', 'isolate', 'heal', 'heal', 'absence'],
  ['wipe', 'wipe', 'wipe', 'crash', 'heal'],
  ROT,
  ['rot', 'rot', 'loseFile', 'loseFile', 'restart', 'kill', 'heal'],
  [...NETWORK_FAULTS, 'heal', 'heal', 'pause'],
];

/** What half of the faults are of a run, or none. */
const PLOTS = [
  ...Array.from({ length: 5 }, () => undefined),
  ...PLOT_FAULTS,
  'overwrite',
  'depose',
  'starveSnapshot',
] as const;

/** Nodes that form a cluster. */
const SIZES = [1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 7] as const;

/** Whoever has lost its data has its place taken by another. */
export const LOSSES: readonly Fault[] = ['wipe', 'rot', 'loseFile'];

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
  const plot = dice.pick(PLOTS);
  const single = theme.filter(() => dice.chance(theme === ALL ? 0.6 : 0.85));
  // The half of all that comes, where there is one.
  const faults = plot === undefined ? single : [...single, ...single.map(() => plot), plot];
  const segmentSize = dice.pick([4_096, 4_097, 8_192, 20_011, 65_536]);
  const isOfLoss = faults.some((fault) => LOSSES.includes(fault));
  const isOfSnapshots = plot === 'starveSnapshot';
  const spares = dice.pick(
    isOfSnapshots ? [1, 2, 3] : isOfLoss ? [0, 1, 2, 3] : [0, 0, 0, 1, 2, 3],
  );
  const maxClockDriftPercent = dice.pick([0, 1, 10, 30]);
  return {
    spares,
    options: { segmentSize, electionTimeoutMs, heartbeatIntervalMs },
    tuning: drawTuning(dice, electionTimeoutMs, maxClockDriftPercent, isOfSnapshots),
    network: drawNetworkPlan(dice),
    device: {
      maxMs: dice.pick([0, 0.5, 5, 20]),
      hangs: dice.pick([0, 0, 0.001, 0.02]),
      maxHangMs: dice.pick([0.5, 3]) * electionTimeoutMs,
    },
    // The slowest clock and the fastest are just not further apart than the lease allows for.
    skew: dice.pick([0, 0.99 * (maxClockDriftPercent / (200 - maxClockDriftPercent))]),
    ...drawBirth(dice, isOfLoss, plot !== undefined),
    meetsOneFault: dice.chance(0.4),
    endsVerified: dice.chance(0.3),
    opensAgain: dice.chance(0.2),
    losesData: isOfLoss,
    msBetweenFaults: Math.ceil(
      electionTimeoutMs * dice.pick(plot === undefined ? [0.3, 0.6, 1, 3] : [0.1, 0.3, 0.6]),
    ),
    faults: faults.length === 0 ? ['heal'] : faults,
    workload: {
      followers: dice.between(1, 3),
      pinned: dice.between(0, 3),
      keys: dice.pick([1, 2, 4]),
      maxRestMs: Math.ceil(electionTimeoutMs * dice.pick([0.02, 0.1, 0.4])),
      maxValueBytes: dice.pick([50, 500, 2 * segmentSize]),
    },
    operator: drawOperatorPlan(dice, spares, electionTimeoutMs, isOfSnapshots),
  };
}

function drawBirth(
  dice: Dice,
  isOfLoss: boolean,
  isPlotted: boolean,
): Pick<Plan, 'nodes' | 'formsInPeace' | 'bornApartMs'> {
  if (!isOfLoss && dice.chance(0.25)) {
    // So long that they have given up to wait for answers, some times.
    const bornApartMs = dice.between(1_000, 12_000);
    return { nodes: dice.pick([2, 3, 4, 4]), formsInPeace: false, bornApartMs };
  }
  const nodes = dice.pick(isOfLoss || isPlotted ? [3, 3, 3, 4, 5] : SIZES);
  return { nodes, formsInPeace: isOfLoss || dice.chance(0.85), bornApartMs: 0 };
}

function drawOperatorPlan(
  dice: Dice,
  spares: number,
  electionTimeoutMs: number,
  isOfSnapshots: boolean,
): OperatorPlan {
  // A leader that has a new member to bring up to date is left to it.
  const many = isOfSnapshots ? (['add', 'add', 'replace'] as const) : dice.pick(CHANGES);
  const changes: readonly Change[] = spares === 0 ? ['transfer'] : many;
  const msBetweenChanges = Math.ceil(electionTimeoutMs * dice.pick([1, 2, 4, 10]));
  return { changes, msBetweenChanges, lastChanges: dice.between(0, spares === 0 ? 1 : 4) };
}

function drawTuning(
  dice: Dice,
  electionTimeoutMs: number,
  maxClockDriftPercent: number,
  isOfSnapshots: boolean,
): Tuning {
  const maxAppendBytes = dice.pick([1, 100, 1_000, 10_000, 1024 * 1024]);
  return {
    store: {
      tailCacheBytes: dice.pick([0, 1_000, 50_000, 32 * 1024 * 1024]),
      idleFlushMs: dice.pick([1, 20, 100]),
    },
    core: {
      maxClockDriftPercent,
      diskTimeoutMs: electionTimeoutMs * dice.pick([1, 2, 10]),
      logRetentionBytes: isOfSnapshots ? 0 : dice.pick([0, 2_000, 30_000, 256 * 1024 * 1024]),
      maxAppendBytes,
      maxInflightAppends: dice.pick([1, 2, 5, 64]),
      maxInflightBytes: maxAppendBytes * dice.pick([1, 3, 20]),
    },
  };
}
