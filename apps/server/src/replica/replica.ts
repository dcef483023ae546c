import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import { RaftLog } from '@dle/raft';
import {
  type FoundDamage,
  LogStore,
  type LogStoreComponents,
  type LogStoreOptions,
} from '@dle/storage';
import { DumpCursors } from '../api/dump-cursors.js';
import { StoreMachine } from '../store-machine.js';

export interface ReplicaComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly vfs?: NonNullable<LogStoreComponents['vfs']>;
}

export interface ReplicaOptions {
  readonly directory: string;
  readonly store: LogStoreOptions;
  /** Id of a segment that its log has begun, as `rolled` has told. */
  readonly reachesSegment?: number;
  /** Told the index up to which entries have just been applied. */
  readonly applied: (index: number) => void;
  /** Told of damage: of entries that a peer lacks and cannot be sent, or found in the background. */
  readonly damaged: (error: DleError, foundBy: 'log' | 'scrub') => void;
  /** A segment of the log has been begun: its id, or one that is lower and higher than the last. */
  readonly rolled: (segment: number) => void;
}

/** Tells of entries that cannot be read: a peer that lacks them is never sent them. */
class WatchedLog extends RaftLog {
  readonly #unreadable: (error: DleError) => void;

  constructor(store: LogStore, unreadable: (error: DleError) => void) {
    super(store);
    this.#unreadable = unreadable;
  }

  override read(fromIndex: number, toIndex: number): Uint8Array | Promise<Uint8Array> {
    const bytes = super.read(fromIndex, toIndex);
    if (bytes instanceof Promise) {
      bytes.catch((thrown: unknown) => this.#unreadable(DleError.from(thrown)));
    }
    return bytes;
  }
}

/** Figures of a replica, for operators. */
export interface ReplicaFigures {
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly logBytes: number;
  readonly keys: number;
  readonly segments: number;
  readonly bytes: number;
}

/**
 * What a node holds of its cluster: the store, the log in it, the keys as the state machine of
 * consensus. Another takes its place in a running node when the leader has brought a snapshot, or
 * when this one is damaged.
 */
export class Replica {
  readonly store: LogStore;
  readonly log: RaftLog;
  readonly machine: StoreMachine;
  readonly dumps: DumpCursors;
  /** As they were when it was closed. */
  #last: ReplicaFigures | undefined;

  /** Rejects with what `LogStore.open` does. */
  static async open(components: ReplicaComponents, options: ReplicaOptions): Promise<Replica> {
    const { directory, store, reachesSegment = 0 } = options;
    const storeOptions = { ...store, reachesSegment, replicated: true };
    const opened = await LogStore.open(directory, storeOptions, components);
    opened.log.onSealed(({ id }) => options.rolled(id + 1));
    opened.onDamage((damage) => {
      if (harmsData(damage)) options.damaged(errorOf(damage), 'scrub');
    });
    return new Replica(components, options, opened);
  }

  private constructor(components: ReplicaComponents, options: ReplicaOptions, store: LogStore) {
    this.store = store;
    this.log = new WatchedLog(store, (error) => options.damaged(error, 'log'));
    this.machine = new StoreMachine(store, options.applied);
    this.dumps = new DumpCursors({ ...components, store });
  }

  get figures(): ReplicaFigures {
    if (this.#last !== undefined) return this.#last;
    const { log, appliedIndex } = this.store;
    const { keys, segments, bytes } = this.store.stats();
    return {
      applied: appliedIndex,
      firstIndex: log.firstIndex,
      lastIndex: log.lastIndex,
      logBytes: log.bytesFrom(log.firstIndex),
      keys,
      segments,
      bytes,
    };
  }

  get isClosed(): boolean {
    return this.#last !== undefined;
  }

  /** As `close`, of one that has failed: what it cannot write any more is lost, and told. */
  async abandon(logger: Logger): Promise<void> {
    try {
      await this.close();
    } catch (thrown) {
      const { code, message } = DleError.from(thrown);
      logger.warn({ code }, `not all of the data was closed as it should be: ${message}`);
    }
  }

  /** Ends its dumps, flushes and frees the directory. Idempotent. */
  async close(): Promise<void> {
    this.#last ??= this.figures;
    this.dumps.closeAll();
    await this.store.close();
  }
}

/** Key directories and manifests are made again by the store itself. */
function harmsData({ kind, indexes }: FoundDamage): boolean {
  if (kind === 'directory' || kind === 'manifest') return false;
  // Of what has been replaced nobody knows any more.
  return indexes === undefined || indexes.first <= indexes.last;
}

function errorOf({ file, offset, message }: FoundDamage): DleError {
  return new DleError('DLE_CORRUPT', `${file} at byte ${offset}: ${message}`, {
    details: { file, offset },
  });
}
