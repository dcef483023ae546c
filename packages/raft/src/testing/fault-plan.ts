import type { CoreOptions, NodeId } from '../core/types.js';
import type { Dice } from './dice.js';

/**
 * What one run is exposed to. Each seed draws its own mixture, often with some faults absent: a run
 * in which everything fails at once never gets far enough to show what a single fault does.
 */
export interface FaultPlan {
  /** Voters of the first configuration. */
  readonly voters: number;
  /** Nodes that are there besides, and know nothing. */
  readonly spares: number;
  readonly options: Omit<CoreOptions, 'id'>;
  readonly dropped: number;
  readonly doubled: number;
  /** Of messages that are late by up to three election timeouts. */
  readonly late: number;
  readonly maxLatencyMs: number;
  readonly maxSnapshotMs: number;
  readonly maxFlushMs: number;
  /** Whose flushes take up to an election timeout; 0: nobody's. */
  readonly slowDisk: NodeId;
  /** Of flushes that hang for up to three election timeouts. */
  readonly hangs: number;
  readonly msBetweenProposals: number;
  readonly msBetweenPurges: number;
  readonly msBetweenReads: number;
  readonly msBetweenFaults: number;
  /** Infinity: the members stay as they are. */
  readonly msBetweenChanges: number;
  readonly faults: readonly Fault[];
}

export type Fault =
  | 'crash'
  | 'failLog'
  | 'wipe'
  | 'pause'
  | 'campaign'
  | 'transfer'
  | 'split'
  | 'isolate'
  | 'cutOneWay'
  | 'deafen'
  | 'cutBothWays'
  | 'transferAndDeafen'
  | 'stealVoters'
  | 'strand'
  | 'bounce'
  | 'replay'
  | 'heal';

/** What is in the list more often comes more often. */
const FAULTS: readonly Fault[] = [
  'crash',
  'crash',
  'crash',
  'failLog',
  'wipe',
  'pause',
  'pause',
  'campaign',
  'transfer',
  'split',
  'isolate',
  'cutOneWay',
  'deafen',
  'cutBothWays',
  'cutBothWays',
  'transferAndDeafen',
  'stealVoters',
  'strand',
  'strand',
  'bounce',
  'replay',
  'replay',
  'heal',
  'heal',
];

export function drawFaultPlan(dice: Dice): FaultPlan {
  const electionTimeoutMs = dice.between(80, 300);
  const heartbeatIntervalMs = Math.floor(electionTimeoutMs / dice.between(4, 10));
  const maxAppendBytes = dice.pick([1, 40, 100, 400, 100_000]);
  const logRetentionBytes = dice.pick([0, 200, 5_000]);
  const options = {
    electionTimeoutMs,
    heartbeatIntervalMs,
    leaseReads: dice.chance(0.8),
    maxClockDriftPercent: dice.pick([0, 10, 30, 30]),
    maxAppendBytes,
    maxInflightAppends: dice.pick([1, 2, 5, 64]),
    maxInflightBytes: maxAppendBytes * dice.pick([1, 3, 20]),
    maxUncommittedBytes: Math.max(maxAppendBytes, dice.pick([60, 1_000, 1_000_000])),
    logRetentionBytes,
    maxLogBytes: logRetentionBytes + dice.pick([0, 500, 20_000]),
    diskTimeoutMs: electionTimeoutMs * dice.pick([1, 2, 2, 20]),
  };
  const faults = FAULTS.filter(() => dice.chance(0.7));
  return {
    voters: dice.pick([1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5, 5, 5, 5]),
    spares: dice.pick([0, 0, 1, 2, 3]),
    options,
    dropped: dice.pick([0, 0, 0.01, 0.05, 0.2]),
    doubled: dice.pick([0, 0.01, 0.2]),
    late: dice.pick([0, 0.01, 0.05]),
    maxLatencyMs: dice.pick([1, 5, 20, Math.floor(electionTimeoutMs / 3)]),
    maxSnapshotMs: dice.pick([20, electionTimeoutMs, 6 * electionTimeoutMs]),
    maxFlushMs: dice.pick([0, 5, 20, Math.floor(electionTimeoutMs / 2)]),
    slowDisk: dice.pick([0, 0, 1, 2]),
    hangs: dice.pick([0, 0, 0.01, 0.1]),
    msBetweenProposals: Math.ceil(electionTimeoutMs / dice.pick([0.2, 2, 5, 20])),
    msBetweenPurges: Math.ceil(electionTimeoutMs * dice.pick([0.2, 1, 5])),
    msBetweenReads: Math.ceil(electionTimeoutMs / dice.pick([2, 5, 20])),
    msBetweenFaults: Math.ceil(electionTimeoutMs * dice.pick([0.3, 1, 2])),
    msBetweenChanges: Math.ceil(
      electionTimeoutMs * dice.pick([0.5, 2, 5, Number.POSITIVE_INFINITY]),
    ),
    faults: faults.length === 0 ? ['heal'] : faults,
  };
}
