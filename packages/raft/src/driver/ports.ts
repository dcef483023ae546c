import type { Clock, DleError, Logger, Random } from '@dle/common';
import type {
  Configuration,
  EntryBatch,
  LogBase,
  Message,
  NodeId,
  RecoveredState,
  Role,
} from '../core/types.js';

/**
 * The ports of the driver: log, transport, snapshots and state machine are here, the clock is
 * `Clock` of `@dle/common`. Any implementation will do that keeps to what is written on them; the
 * suites in `@dle/raft/testing` hold it to that.
 */

/**
 * An entry that somebody wants in the log. What is in it is between whoever proposes it and the log
 * port.
 */
export interface Proposal {
  /** Size of the entry in bytes, exactly as `bytesAt` will tell of it once it is in the log. */
  readonly bytes: number;
  /** It does nothing but free space: a log may take it on a full disk too. */
  readonly givesBack?: boolean;
}

/**
 * The log as the driver needs it: one ordered stream of entries, terms and votes.
 *
 * **Order and durability.** A write is accepted at once, in the order of the calls, and becomes
 * durable later, in that same order: after a crash the log holds what one of its writes and all
 * before it have left, never a later one without an earlier one. Each write returns a ticket;
 * tickets are whole numbers that never fall, and writes may share one. When `flushed` has reported
 * a ticket, every write that got it or a lower one outlives any crash. The port flushes by itself,
 * soon after each write; nobody asks it to.
 *
 * **Errors.** A write throws a `DleError` if it is not accepted. To the driver that is the end: the
 * node stops, and answers everybody who waits. What must not happen because of a full disk alone is
 * therefore found out by `reserve` before.
 *
 * **Ownership.** Bytes that go in or out are shared, not copied: from then on neither side changes
 * them, not even when the entries are replaced.
 */
export interface LogPort<P extends Proposal> {
  /**
   * What the log held when it was opened, all of it flushed. Called once, before anything is
   * written. May reject with what keeps the log from being read; the node does not start then.
   */
  recover(): Promise<RecoveredState>;

  /**
   * Takes apart a run of entries that some log's `read` returned, and takes the bytes over. They
   * come from outside: every byte is held against a checksum, and whatever is not a run of whole
   * entries with rising indexes is refused.
   *
   * @throws DleError `DLE_CORRUPT`, `DLE_FORMAT`: the driver drops the message, as if it were lost.
   */
  decode(bytes: Uint8Array): EntryBatch;

  /**
   * Makes sure that entries of up to `bytes` bytes, a vote and the empty entry of a new leader
   * beside them, can be written without a lack of space. Called before each `appendProposed`,
   * `appendConfiguration` and `appendReceived` that may still be called off. `entries`: what is to be
   * written, where that is known: on a full disk there may be room for what gives space back.
   *
   * @throws DleError `DLE_DISK_FULL` (effect none, retryable: the log is as it was, reads and later
   *   writes go on; a leader hands over where that lasts for `diskTimeoutMs`),
   *   `DLE_STORAGE_POISONED`, or what else is wrong: where that lasts as long, the node fails.
   */
  reserve(bytes: number, entries?: EntryBatch | readonly P[]): void;

  /**
   * Term, vote (0: none) and whether the log may have lost data, in place of those before. Terms
   * never fall. Returns a ticket.
   */
  saveVote(term: number, vote: NodeId, lostData: boolean): number;

  /**
   * The proposals, at least one, as entries `firstIndex` and on, which is where the log ends; their
   * term is that of the last vote saved. Returns a ticket.
   */
  appendProposed(proposals: readonly P[], firstIndex: number, term: number): number;

  /** An entry that means nothing to the state machine. Returns a ticket. */
  appendNoop(index: number, term: number): number;

  /**
   * An entry that means nothing to the state machine, and that `decode` and `recover` tell of as a
   * configuration, `members` and all. Returns a ticket.
   */
  appendConfiguration(configuration: Configuration, index: number, term: number): number;

  /**
   * Writes the bytes that `decode` was given, as they came, from the entry `fromIndex` on. With
   * `replaces`, in place of all entries from there on, which are never committed ones; without, at
   * the end of the log. Returns a ticket.
   */
  appendReceived(entries: EntryBatch, fromIndex: number, replaces: boolean): number;

  /**
   * Entries up to `index`, which are in the log, are committed: a hint for recovery, which may
   * bring back this or any lower one. It costs no write of its own, and has no ticket.
   */
  setCommit(index: number): void;

  /**
   * The entries up to `base.index` are applied, and are needed no more by their indexes: a start
   * may begin behind them. Indexes rise from call to call. A hint: it may take effect later, or not
   * at all where the disk is full. What is above stays.
   */
  purge(base: LogBase): void;

  /**
   * The bytes of the entries `fromIndex` to `toIndex`, both included, as they are at the time of
   * the call, flushed or not: a leader sends while it writes. At once for those written last; a
   * promise when they must be fetched from the device. What it rejects with is logged, and the
   * message counts as lost. Goes on after the log has failed.
   */
  read(fromIndex: number, toIndex: number): Uint8Array | Promise<Uint8Array>;

  /**
   * Called once, after `recover`. `flushed` gets tickets, each higher than the one before, and not
   * every one; never from within a call of this port. `failed` is told once that the log takes no
   * more writes, and why (`DLE_STORAGE_POISONED`); a write may find out and tell. After that,
   * nothing is reported as flushed, and every write and `reserve` throws.
   */
  listen(flushed: (ticket: number) => void, failed: (error: DleError) => void): void;
}

/**
 * Carries messages to peers. They may get lost, delayed, doubled and overtake one another; none is
 * altered, nor delivered to another node than `message.to`, or as coming from another than
 * `message.from`. Whoever can forge that can forge votes.
 *
 * What arrives is handed to `RaftNode.receive` of the other node, in a turn of its own. Messages
 * from outside the process go through `parseMessage` before. Heartbeats and votes should not wait
 * behind entries.
 */
export interface Transport {
  /**
   * Sends, or drops what cannot be sent now: never throws, never waits, queues within bounds. Must
   * not call back into the driver in the same turn. `entries`, the bytes of an append request, are
   * the log's: they may be sent later, and never be changed. A receiver that is given bytes keeps
   * them, so memory that is used again is not for handing over.
   *
   * `message` is plain data: numbers are whole, from 0 to 2^53 - 1. `entries` that are absent may
   * arrive as an empty array.
   */
  send(message: Message, entries?: Uint8Array): void;

  /**
   * What was sent in this turn leaves now, if it would have waited for the end of the turn: the
   * driver has come to that, and nothing follows but its own write. Optional.
   */
  flush?(): void;
}

/**
 * Brings the state machine's state to members that lack entries which are in the log no more.
 * Optional: without it the log is never purged.
 */
export interface SnapshotTransfer {
  /**
   * Brings `to` the state as it is in this very turn, the one after the entry `base.index`: it is
   * frozen before this returns. Resolves when that, or a newer one, is in force there; rejects when
   * it is given up, and does one of the two in any case. `signal`: this node leads `term` no more,
   * or stops.
   *
   * The other side takes nothing that its core does not want (`RaftCore.wants`), asks that again
   * when its node has stopped, and starts it anew on what it was brought, with its own term and
   * vote.
   */
  send(to: NodeId, base: LogBase, term: number, signal: AbortSignal): Promise<void>;
}

/**
 * What committed entries are applied to. It reads them from the log by itself: it is told only how
 * far it may go. The entries of consensus (`appendNoop`, `appendConfiguration`) pass by it.
 */
export interface StateMachine {
  /**
   * Index of the last entry that the state reflects; whoever reads the state sees that entry, and
   * none behind it. At a start at most the `commit` that the log recovers: an entry behind that
   * might still be replaced.
   */
  readonly appliedIndex: number;

  /**
   * Applies the entries from `appliedIndex + 1` up to and including `index`, in order; the state
   * reflects them when it returns. They are committed and in the log. Deterministic: where the
   * steps begin and end makes no difference, nor does the node or the time of day, so that all
   * nodes that have applied the same index are in the same state. An entry that cannot take effect
   * takes none, everywhere: `apply` does not throw. If it does, the node stops.
   */
  apply(index: number): void;
}

/** All that a node is made of. */
export interface RaftNodeComponents<P extends Proposal> {
  readonly log: LogPort<P>;
  readonly transport: Transport;
  readonly stateMachine: StateMachine;
  /** Without it the log is never purged. */
  readonly snapshots?: SnapshotTransfer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface RoleChange {
  readonly role: Role;
  readonly term: number;
  /** 0: unknown. */
  readonly leader: NodeId;
}
