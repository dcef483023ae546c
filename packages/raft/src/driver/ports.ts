import type { DleError } from '@dle/common';
import type { Configuration, EntryBatch, Message, NodeId, RecoveredState } from '../core/types.js';

/**
 * An entry that somebody wants in the log. What is in it is between whoever proposes it and the log
 * port.
 */
export interface Proposal {
  /** Size of the entry in bytes, as the log will hold it. */
  readonly bytes: number;
}

/**
 * The log as the driver needs it. Writing is accepted at once and in order, and becomes durable
 * later:
 * each write returns a ticket, tickets never fall, and `flushed` reports the last one that is on
 * the device.
 */
export interface LogPort<P extends Proposal> {
  /** What the log held when it was opened. Called once, before anything is written. */
  recover(): Promise<RecoveredState>;
  /**
   * Takes a run of entries apart and verifies every checksum in it. Throws `DLE_CORRUPT`,
   * `DLE_FORMAT`.
   */
  decode(bytes: Uint8Array): EntryBatch;
  /**
   * Makes sure that the next write of up to `bytes` cannot run out of space.
   * Throws `DLE_DISK_FULL` (effect none: nothing was written), `DLE_STORAGE_POISONED`.
   */
  reserve(bytes: number): void;
  saveVote(term: number, vote: NodeId): number;
  appendProposed(proposals: readonly P[], firstIndex: number, term: number): number;
  appendNoop(index: number, term: number): number;
  appendConfiguration(configuration: Configuration, index: number, term: number): number;
  /** Writes the bytes that `decode` was given, as they came, from the entry `fromIndex` on. */
  appendReceived(entries: EntryBatch, fromIndex: number, replaces: boolean): number;
  /** A hint for recovery, written along with the next write. */
  setCommit(index: number): void;
  /** The bytes of these entries. A promise when they must be fetched from the device. */
  read(fromIndex: number, toIndex: number): Uint8Array | Promise<Uint8Array>;
  /** `flushed` gets tickets, in order; `failed` is told once that the log takes no more writes. */
  listen(flushed: (ticket: number) => void, failed: (error: DleError) => void): void;
}

/** Messages to peers: may be lost, delayed, doubled and reordered, never altered. */
export interface Transport {
  /**
   * Sends, or drops what cannot be sent now. Must not call back into the driver in the same turn.
   */
  send(message: Message, entries?: Uint8Array): void;
}

/** What committed entries are applied to. */
export interface StateMachine {
  /** Index of the last entry that the state reflects. */
  readonly appliedIndex: number;
  /**
   * Applies the committed entries up to and including `index`, in order. Deterministic; does not
   * fail.
   */
  apply(index: number): void;
}
