/**
 * The language of the core: what it is told (events), what it wants done (effects), what it says to
 * its peers (messages). All of it is plain data.
 */

import type {
  ChangeRefusal,
  Configuration,
  IndexedConfiguration,
  MembershipChange,
  NodeId,
} from './members.js';
import type { Message } from './messages.js';

export type * from './members.js';
export type * from './messages.js';

/**
 * Consecutive whole entries as the core sees them. Whoever drives the core holds the bytes behind
 * them;
 * the core hands the batch back in effects without looking inside.
 */
export interface EntryBatch {
  readonly firstIndex: number;
  /** At least 1. */
  readonly count: number;
  /** Term of the entry at `index`, firstIndex <= index < firstIndex + count. */
  termAt(index: number): number;
  /** Size of the entry at `index` in bytes, for windows and limits. */
  bytesAt(index: number): number;
  /** Those entries of the batch that are configurations. */
  readonly configurations: readonly IndexedConfiguration[];
}

/**
 * Where a log begins: the entries up to `index` are in it no more, or never were. They are
 * committed, and the state machine has them.
 */
export interface LogBase {
  /** 0: the log is whole. */
  readonly index: number;
  /** Of the entry at `index`. */
  readonly term: number;
  /** The last one up to `index`. */
  readonly configuration: IndexedConfiguration | undefined;
}

/** Why leadership is not being transferred. */
export interface TransferRefusal {
  /**
   * - `notLeader`: ask the leader;
   * - `transferUnderWay`: one at a time;
   * - `notCaughtUp`: the target does not answer, or lacks too much of the log; try again later;
   * - `invalid`: the target is not another voter.
   */
  readonly reason: 'notLeader' | 'transferUnderWay' | 'notCaughtUp' | 'invalid';
  /** A sentence for people. */
  readonly message: string;
}

/**
 * Why a proposal was not taken:
 * - `notLeader`: ask the leader;
 * - `transferring`: this node leads, and is handing over: there will be another leader at once;
 * - `overloaded`: `maxUncommittedBytes` of entries wait for a majority already.
 */
export type ProposalRefusal = 'notLeader' | 'transferring' | 'overloaded';

/**
 * Who vouches for a read, that it sees everything acknowledged before it was asked for:
 * - `linearizable`: the leader, after a quorum has confirmed that it leads;
 * - `lease`: the leader, without asking, as long as its lease holds; else like `linearizable`. It
 *   rests on clocks that differ by no more than `maxClockDriftPercent`, and on the same
 *   `electionTimeoutMs` everywhere;
 * - `follower`: any member; the leader tells it the index, confirmed like `linearizable`.
 */
export type ReadLevel = 'linearizable' | 'lease' | 'follower';

/**
 * Why a read was refused:
 * - `notLeader`: ask the leader, or again when there is one;
 * - `noAnswer`: the leader has not told this follower within an election timeout; try again;
 * - `overloaded`: too many reads wait for a majority already.
 */
export type ReadRefusal = 'notLeader' | 'noAnswer' | 'overloaded';

/** Every event carries `now`: monotonic milliseconds of the driver. */
export type Event =
  /** Time has passed; due when `core.deadline` is reached. */
  | { readonly type: 'tick'; readonly now: number }
  | {
      readonly type: 'message';
      readonly now: number;
      readonly message: Message;
      /**
       * Of an append request that carries entries: they, verified. firstIndex is previousIndex + 1.
       */
      readonly entries?: EntryBatch;
    }
  /**
   * New entries, given by their sizes in bytes. Answered in the same step by one `appendProposed`
   * or one `proposalRefused`.
   */
  | { readonly type: 'propose'; readonly now: number; readonly sizes: readonly number[] }
  /**
   * Change the members. Answered in the same step by one `appendConfiguration` or one
   * `changeRefused`. It is over when a configuration that is not joint is committed.
   */
  | { readonly type: 'changeMembers'; readonly now: number; readonly change: MembershipChange }
  /**
   * A linearizable read, by default at level `linearizable`. Answered by `readable` or
   * `readRefused`, now or later. Ids are unique.
   */
  | {
      readonly type: 'read';
      readonly now: number;
      readonly id: number;
      readonly level?: ReadLevel;
    }
  /** Everything that effects up to this `write` asked to write is on the device. */
  | { readonly type: 'flushed'; readonly now: number; readonly write: number }
  /**
   * Hand leadership over to `target`, a voter; 0: to the one that holds most. Answered in the same
   * step by `transferStarted` or `transferRefused`. It ends when this node leads no more, or with
   * `transferFailed`.
   */
  | { readonly type: 'transfer'; readonly now: number; readonly target: NodeId }
  /**
   * What was asked for by `sendSnapshot` has ended: the state after the entry `index` is in force at
   * that member, or a newer one; 0: it came to nothing.
   */
  | {
      readonly type: 'snapshotEnded';
      readonly now: number;
      readonly peer: NodeId;
      readonly index: number;
    }
  /**
   * The entries up to `index` are needed no more: at most `purgeableIndex`, and applied. Answered in
   * the same step by `purge`, if that is any.
   */
  | { readonly type: 'purge'; readonly now: number; readonly index: number }
  /**
   * Lead no more: a leader invites whoever holds most to take its place, and follows. Without
   * effect on anybody else. A core whose log takes no more writes may not be asked anything
   * afterwards.
   */
  | { readonly type: 'resign'; readonly now: number }
  /**
   * Begin an election now, without waiting for the timer. Without effect while a leader is heard
   * from: then, a transfer is what is wanted.
   */
  | { readonly type: 'campaign'; readonly now: number };

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

/**
 * What the driver is to do, in this order. Effects with a `write` number change the log: the
 * numbers rise by one, and `flushed` reports them back. Whatever may leave only after a flush is
 * held back by the core itself, so a driver may send every `send` at once.
 */
export type CoreEffect =
  /** Write term, vote (0: none) and the mark of lost data (`RecoveredState`) to the log. */
  | {
      readonly type: 'saveVote';
      readonly write: number;
      readonly term: number;
      readonly vote: NodeId;
      readonly lostData: boolean;
    }
  /** Write the entries just proposed, with these indexes and this term. */
  | {
      readonly type: 'appendProposed';
      readonly write: number;
      readonly firstIndex: number;
      readonly count: number;
      readonly term: number;
    }
  /** Write the empty entry of a new leader (paper section 8). */
  | {
      readonly type: 'appendNoop';
      readonly write: number;
      readonly index: number;
      readonly term: number;
    }
  /** Write a configuration. It counts from now on, unless another leader replaces it. */
  | {
      readonly type: 'appendConfiguration';
      readonly write: number;
      readonly index: number;
      readonly term: number;
      readonly configuration: Configuration;
    }
  /** Write received entries from `fromIndex` on; with `replaces`, in place of what is there. */
  | {
      readonly type: 'appendReceived';
      readonly write: number;
      readonly entries: EntryBatch;
      readonly fromIndex: number;
      readonly replaces: boolean;
    }
  /**
   * Send. Entries previousIndex + 1 to lastIndex of an append request are the driver's to attach.
   */
  | { readonly type: 'send'; readonly message: Message }
  /** Entries up to `index` are committed and durable here: apply them. Rises only. */
  | { readonly type: 'commit'; readonly index: number }
  /** These reads may be served as soon as the state reflects `index`. */
  | { readonly type: 'readable'; readonly ids: readonly number[]; readonly index: number }
  /** This node cannot, or no longer, vouch for these reads. */
  | {
      readonly type: 'readRefused';
      readonly ids: readonly number[];
      readonly reason: ReadRefusal;
    }
  /** The proposal of this step was not taken. Nothing was written. */
  | { readonly type: 'proposalRefused'; readonly reason: ProposalRefusal }
  /** The change of this step was not begun. Nothing was written. */
  | ({ readonly type: 'changeRefused' } & ChangeRefusal)
  /** This node takes no proposals until `target` leads, or `transferFailed`. */
  | { readonly type: 'transferStarted'; readonly target: NodeId }
  | ({ readonly type: 'transferRefused' } & TransferRefusal)
  /** `target` did not take over within an election timeout. This node leads on. */
  | { readonly type: 'transferFailed'; readonly target: NodeId }
  /**
   * Bring the state to this member: the log begins behind what it lacks. `snapshotEnded` tells what
   * has come of it; until then it is sent nothing else.
   */
  | { readonly type: 'sendSnapshot'; readonly to: NodeId }
  /** The entries up to `base.index` are needed no more: the log begins behind them now. */
  | { readonly type: 'purge'; readonly base: LogBase }
  /** Role, term or leader (0: unknown) have changed. */
  | {
      readonly type: 'role';
      readonly role: Role;
      readonly term: number;
      readonly leader: NodeId;
    };

/** What the log held when the node started; all of it is flushed. */
export interface RecoveredState {
  readonly term: number;
  /** 0: none. */
  readonly vote: NodeId;
  /**
   * Whether an earlier process may have spoken for this log: then a leader may still count on what
   * that has acknowledged, and this node withholds its vote for a while. False where it is certain
   * that none has, as in a new cluster.
   */
  readonly restarted: boolean;
  /** A commit index known to be safe; 0 at first. */
  readonly commit: number;
  /** What lies before the first entry of the log. */
  readonly base: LogBase;
  /**
   * Whether this log may have lost entries that it has acknowledged, or votes that it gave, as
   * after damage to its disk. The node does not campaign then, and its vote, which helps to make a
   * majority, does not witness that somebody holds all that is committed, until it has an entry of
   * a leader that was elected since: then it holds all of that itself. Its term has to be higher by
   * 2^20 than those of the entries in the log, and than any in which it may have voted.
   */
  readonly lostData: boolean;
  /** All entries that are in the log, in order, as batches without gaps from behind the base. */
  readonly batches: Iterable<EntryBatch>;
}

export interface CoreOptions {
  readonly id: NodeId;
  /**
   * Base election timeout T; each one is drawn from [T, 2T). Default 1,000. At least 4 heartbeats.
   */
  readonly electionTimeoutMs: number;
  /**
   * Whether reads of level `lease` are served by lease. Default true. All members must have the
   * same `electionTimeoutMs` then.
   */
  readonly leaseReads: boolean;
  /**
   * By how much two members' monotonic clocks may differ in pace, in percent: leases are that much
   * shorter than an election timeout. Default 10, far beyond what a working clock does; 0 to 50.
   */
  readonly maxClockDriftPercent: number;
  /** Time between heartbeats of an idle leader. Default 100. */
  readonly heartbeatIntervalMs: number;
  /** Most bytes of entries in one append request (a single entry may be larger). Default 1 MiB. */
  readonly maxAppendBytes: number;
  /** Most append requests under way to one follower. Default 64. */
  readonly maxInflightAppends: number;
  /** Most bytes of entries under way to one follower. Default 16 MiB. */
  readonly maxInflightBytes: number;
  /**
   * Most bytes of entries that wait for a majority, those of earlier leaders included; proposals
   * beyond are refused. One batch is always taken where nothing waits. Default 64 MiB.
   */
  readonly maxUncommittedBytes: number;
  /**
   * Bytes of entries that are always kept, for members that were away: whoever lacks more is sent a
   * snapshot. Default 256 MiB: what a member misses in some minutes of full load.
   */
  readonly logRetentionBytes: number;
  /**
   * Bytes of entries kept for members that answer and do not have them yet, and while a snapshot is
   * on its way. Default 1 GiB. At least `logRetentionBytes`.
   */
  readonly maxLogBytes: number;
  /**
   * How long one write to the own log may take. A leader whose device hangs longer gives up, as
   * nothing that it says of itself can be relied on; nor does such a node campaign. Default 2,000.
   * At least a heartbeat.
   */
  readonly diskTimeoutMs: number;
}
