import { assert, DleError, EMPTY_BYTES, isDleError, toBytes } from '@dle/common';
import type { Floor } from '@dle/storage';
import { EntryBatch, EntryBatchBuilder, type Log, Namespace } from '@dle/storage/internal';
import { isJoint, isSound } from '../core/configuration.js';
import type {
  Configuration,
  EntryBatch as CoreBatch,
  IndexedConfiguration,
  LogBase,
  RecoveredState,
} from '../core/types.js';
import type { LogPort, Proposal } from '../driver/ports.js';
import { decodeBaseState, encodeBaseState } from './base-state.js';
import { encodeConfiguration } from './configuration-codec.js';
import { CONFIGURATION_KEY, configurationsIn, LogBatch, NOOP_KEY } from './log-batch.js';
import { State } from './state.js';

/**
 * An entry that can write itself into the log's own format, its records between it and the state
 * machine.
 */
export interface LogProposal extends Proposal {
  /**
   * Adds the records of this one entry. Must not throw: what is wrong is found out before
   * proposing.
   */
  write(builder: EntryBatchBuilder): void;
}

/** What consensus needs of a `LogStore`. */
export interface RaftStore {
  readonly log: Log;
  readonly floor: Floor;
  setFloor(floor: Floor): Promise<void>;
  reserve(bytes: number, deletesOnly: boolean): void;
}

/** For which a log is not purged this time. */
const PASSING = ['DLE_DISK_FULL', 'DLE_IO', 'DLE_STORAGE_POISONED', 'DLE_CLOSED'] as const;

const NOOP = toBytes(NOOP_KEY);
const CONFIGURATION = toBytes(CONFIGURATION_KEY);
/** The first entry of a cluster is made by no leader; its term is below that of every election. */
const BOOTSTRAP_TERM = 1;

/**
 * The persistent log of commands: `@dle/storage`'s log, as consensus sees it. Index and term are in
 * the records.
 */
export class RaftLog implements LogPort<LogProposal> {
  readonly #store: RaftStore;
  readonly #log: Log;
  readonly #state: State;
  /** To be the floor when the one that is being set is. */
  #nextBase: LogBase | undefined;
  #isPurging = false;
  #failed: (error: DleError) => void = () => {};

  /** Tickets of this log are the sequence numbers of its frames. */
  constructor(store: RaftStore) {
    this.#store = store;
    this.#log = store.log;
    this.#state = new State(store.log);
  }

  async recover(): Promise<RecoveredState> {
    const log = this.#log;
    const { term, vote, lostData } = this.#state;
    const base = this.#base;
    const lastTerm = log.lastIndex === base.index ? base.term : log.termAt(log.lastIndex);
    const whole: CoreBatch = {
      firstIndex: base.index + 1,
      count: log.lastIndex - base.index,
      termAt: (index) => log.termAt(index),
      bytesAt: (index) => log.bytesAt(index),
      configurations: await this.#configurations(base.index),
    };
    return {
      // The bootstrap entry and a snapshot's can be newer than the term and vote saved.
      term: Math.max(term, lastTerm),
      vote: lastTerm > term ? 0 : vote,
      // Whoever acknowledges a leader has written its term before.
      restarted: term > 0,
      commit: log.commit,
      base,
      lostData,
      batches: whole.count === 0 ? [] : [whole],
    };
  }

  /** The configuration in force: the last one in the log, committed or not. */
  async latestConfiguration(): Promise<Configuration | undefined> {
    const base = this.#base;
    const last = (await this.#configurations(base.index)).at(-1) ?? base.configuration;
    return last?.configuration;
  }

  /**
   * Writes the first configuration into an empty log; resolves when it is durable.
   *
   * @throws DleError `DLE_INVALID_ARGUMENT` for one that no cluster can begin with.
   */
  async bootstrap(configuration: Configuration): Promise<void> {
    assert(this.#log.lastIndex === 0, 'only an empty log can be bootstrapped');
    if (!isSound(configuration) || isJoint(configuration)) {
      const message = 'a first configuration names its voters, at least one, in rising order';
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    const entry = configurationEntry(configuration, 1, BOOTSTRAP_TERM);
    await this.#log.whenFlushed(this.#log.append(entry));
  }

  decode(bytes: Uint8Array): CoreBatch {
    return new LogBatch(EntryBatch.decode(bytes));
  }

  reserve(bytes: number, entries: CoreBatch | readonly LogProposal[] = []): void {
    try {
      this.#store.reserve(bytes, false);
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_DISK_FULL') || !givesBack(entries)) throw thrown;
      this.#store.reserve(bytes, true);
    }
  }

  saveVote(term: number, vote: number, lostData: boolean): number {
    return this.#state.save(term, vote, lostData);
  }

  purge(base: LogBase): void {
    this.#nextBase = base;
    if (!this.#isPurging) void this.#raiseFloor();
  }

  /** What a store has to keep of the base of a log: for `LogStore.exportBase`. */
  floorOf({ index, term, configuration }: LogBase): Floor {
    return { index, term, state: encodeBaseState(configuration) };
  }

  appendProposed(proposals: readonly LogProposal[], firstIndex: number, term: number): number {
    const bytes = proposals.reduce((sum, proposal) => sum + proposal.bytes, 0);
    const builder = new EntryBatchBuilder(firstIndex, term, bytes);
    for (const proposal of proposals) {
      proposal.write(builder);
      builder.endEntry();
    }
    return this.#log.append(builder.finish());
  }

  appendNoop(index: number, term: number): number {
    const builder = new EntryBatchBuilder(index, term);
    builder.opaque(Namespace.consensus, NOOP, EMPTY_BYTES);
    builder.endEntry();
    return this.#log.append(builder.finish());
  }

  appendConfiguration(configuration: Configuration, index: number, term: number): number {
    return this.#log.append(configurationEntry(configuration, index, term));
  }

  appendReceived(entries: CoreBatch, fromIndex: number, replaces: boolean): number {
    assert(entries instanceof LogBatch, 'a batch that this log has not decoded');
    const { stored } = entries;
    const rest =
      fromIndex === stored.firstIndex ? stored : stored.slice(fromIndex, stored.lastIndex);
    return this.#log.append(rest, { replaces });
  }

  setCommit(index: number): void {
    this.#log.setCommit(index);
  }

  read(fromIndex: number, toIndex: number): Uint8Array | Promise<Uint8Array> {
    const batch = this.#log.read(fromIndex, toIndex);
    return batch instanceof Promise ? batch.then(({ bytes }) => bytes) : batch.bytes;
  }

  listen(flushed: (ticket: number) => void, failed: (error: DleError) => void): void {
    this.#log.onFlushed(flushed);
    this.#log.onFailed(failed);
    this.#failed = failed;
  }

  get #base(): LogBase {
    const { index, term, state } = this.#store.floor;
    return { index, term, configuration: decodeBaseState(state) };
  }

  async #raiseFloor(): Promise<void> {
    this.#isPurging = true;
    for (;;) {
      const base = this.#nextBase;
      this.#nextBase = undefined;
      if (base === undefined) break;
      try {
        await this.#store.setFloor(this.floorOf(base));
      } catch (thrown) {
        // A disk that is full, or fails for once, keeps the entries until the next time; one that
        // has failed for good tells of it itself.
        if (!isDleError(thrown, ...PASSING)) this.#failed(DleError.from(thrown));
      }
    }
    this.#isPurging = false;
  }

  /** Those behind the entry `base`. */
  async #configurations(base: number): Promise<IndexedConfiguration[]> {
    const found: IndexedConfiguration[] = [];
    for (const index of this.#log.opaqueIndexes()) {
      if (index <= base) continue;
      found.push(...configurationsIn(await this.#log.read(index, index)));
    }
    return found;
  }
}

function givesBack(entries: CoreBatch | readonly LogProposal[]): boolean {
  if (entries instanceof LogBatch) return entries.stored.deletesOnly;
  return Array.isArray(entries) && entries.length > 0 && entries.every((one) => one.givesBack);
}

function configurationEntry(configuration: Configuration, index: number, term: number): EntryBatch {
  const builder = new EntryBatchBuilder(index, term);
  builder.opaque(Namespace.consensus, CONFIGURATION, encodeConfiguration(configuration));
  builder.endEntry();
  return builder.finish();
}
