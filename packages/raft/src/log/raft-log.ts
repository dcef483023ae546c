import { assert, DleError, EMPTY_BYTES, toBytes } from '@dle/common';
import { EntryBatch, EntryBatchBuilder, type Log, Namespace } from '@dle/storage/internal';
import { isJoint, isSound } from '../core/configuration.js';
import type {
  Configuration,
  EntryBatch as CoreBatch,
  IndexedConfiguration,
  RecoveredState,
} from '../core/types.js';
import type { LogPort, Proposal } from '../driver/ports.js';
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

const NOOP = toBytes(NOOP_KEY);
const CONFIGURATION = toBytes(CONFIGURATION_KEY);
/** The first entry of a cluster is made by no leader; its term is below that of every election. */
const BOOTSTRAP_TERM = 1;

/**
 * The persistent log of commands: `@dle/storage`'s log, as consensus sees it. Index and term are in
 * the records.
 */
export class RaftLog implements LogPort<LogProposal> {
  readonly #log: Log;
  readonly #state: State;

  /** Tickets of this log are the sequence numbers of its frames. */
  constructor(log: Log) {
    this.#log = log;
    this.#state = new State(log);
  }

  async recover(): Promise<RecoveredState> {
    const log = this.#log;
    const { term, vote } = this.#state;
    const lastTerm = log.lastIndex === 0 ? 0 : log.termAt(log.lastIndex);
    const whole: CoreBatch = {
      firstIndex: 1,
      count: log.lastIndex,
      termAt: (index) => log.termAt(index),
      bytesAt: (index) => log.bytesAt(index),
      configurations: await this.#configurations(),
    };
    return {
      // Only the bootstrap entry can be newer than the term and vote before it.
      term: Math.max(term, lastTerm),
      vote: lastTerm > term ? 0 : vote,
      // Whoever acknowledges a leader has written its term before.
      restarted: term > 0,
      commit: log.commit,
      batches: log.lastIndex === 0 ? [] : [whole],
    };
  }

  /** The configuration in force: the last one in the log, committed or not. */
  async latestConfiguration(): Promise<Configuration | undefined> {
    return (await this.#configurations()).at(-1)?.configuration;
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

  reserve(bytes: number): void {
    this.#log.reserve(bytes);
  }

  saveVote(term: number, vote: number): number {
    return this.#state.save(term, vote);
  }

  appendProposed(proposals: readonly LogProposal[], firstIndex: number, term: number): number {
    const builder = new EntryBatchBuilder(firstIndex, term);
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
  }

  async #configurations(): Promise<IndexedConfiguration[]> {
    const found: IndexedConfiguration[] = [];
    for (const index of this.#log.opaqueIndexes()) {
      found.push(...configurationsIn(await this.#log.read(index, index)));
    }
    return found;
  }
}

function configurationEntry(configuration: Configuration, index: number, term: number): EntryBatch {
  const builder = new EntryBatchBuilder(index, term);
  builder.opaque(Namespace.consensus, CONFIGURATION, encodeConfiguration(configuration));
  builder.endEntry();
  return builder.finish();
}
