import { type Clock, DleError, systemClock, systemRandom } from '@dle/common';
import { closeAll } from '../close-all.js';
import { Directories, type DirectoryCounters } from '../directory/directories.js';
import { DEFAULT_SEGMENT_BYTES } from '../limits.js';
import type { EntryBatch } from '../log/entry-batch.js';
import { Log } from '../log/log.js';
import type { LogEntries } from '../log/log-entries.js';
import { SegmentFiles } from '../log/segment-files.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import type { Vfs } from '../vfs/vfs.js';
import { bytesOf } from './bytes-like.js';
import { GroupWriter } from './group-writer.js';
import { KeyEncoder } from './key-encoder.js';
import { createKeyState, type KeyState } from './key-state.js';
import type { Keyspace, OnEntry } from './keyspace.js';
import { PositionSnapshot } from './position-snapshot.js';
import { restoreKeys } from './restore-keys.js';
import type {
  BatchOperation,
  BytesLike,
  Durability,
  KeySnapshot,
  LogStoreComponents,
  LogStoreOptions,
  LogStoreStats,
  VerifyReport,
  WriteOptions,
} from './types.js';
import { Verifier } from './verify.js';

const NO_DIRECTORIES: DirectoryCounters = { built: 0, loaded: 0, damaged: 0, failed: 0 };

interface Place {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly directory: string;
}

interface StoreParts {
  readonly place: Place;
  readonly log: Log;
  readonly keys: KeyState;
  readonly files: SegmentFiles;
  readonly directories: Directories | undefined;
  readonly writer: GroupWriter | undefined;
}

/**
 * A durable key-value store in one directory: a log, and an index in memory that says where in it
 * the newest value of each key lies. Writes of one turn of the event loop share one write and one
 * flush. Every read verifies the checksums of what it returns.
 */
export class LogStore {
  /** The log beneath; in replicated mode the consensus layer appends to it. */
  readonly log: Log;
  readonly #keys: KeyState;
  readonly #place: Place;
  readonly #files: SegmentFiles;
  readonly #directories: Directories | undefined;
  readonly #durability: Durability;
  readonly #encoder = new KeyEncoder();
  /** `undefined` in replicated mode. */
  readonly #writer: GroupWriter | undefined;
  #closed: Promise<void> | undefined;

  /**
   * Opens the store in `directory`, or makes it. Throws `DLE_LOCKED`; `DLE_CORRUPT` and
   * `DLE_FORMAT`, naming file and offset; `DLE_DISK_FULL`, only where there is none yet; `DLE_IO`;
   * `DLE_INVALID_ARGUMENT`.
   */
  static async open(
    directory: string,
    options: LogStoreOptions = {},
    components: LogStoreComponents = {},
  ): Promise<LogStore> {
    const { vfs = new NodeVfs(), clock = systemClock, random = systemRandom } = components;
    const { segmentSize, idleFlushMs, tailCacheBytes, replicated = false } = options;
    const { durability = 'flush' } = options;
    isDurable(durability);
    const files = new SegmentFiles(vfs, directory);
    const keys = createKeyState({ files, random }, segmentSize ?? DEFAULT_SEGMENT_BYTES);
    const directories = replicated ? undefined : new Directories({ vfs, clock }, directory);
    let writer: GroupWriter | undefined;
    let opened: Log | undefined;
    try {
      const log = await Log.open(
        { vfs, clock, random },
        { directory, segmentSize, idleFlushMs, tailCacheBytes },
        {
          ...(directories && {
            endOf: (segment) => directories.checkpointOf(segment),
            restore: (ends) => restoreKeys(keys.space, directories, ends),
          }),
          recovered: (entries) => recover(directory, keys.space, entries, replicated),
          readsEntries: replicated,
          gather: () => writer?.append(),
        },
      );
      opened = log;
      await keys.space.recovered();
      if (!replicated) {
        writer = new GroupWriter(log, (batch) => {
          apply(keys, log, batch);
        });
      }
      if (directories !== undefined) {
        await directories.tidy();
        directories.make(...log.unvouched);
        log.onSealed((segment) => directories.make(segment));
        log.onFailed(() => directories.abandon());
      }
      const place = { vfs, clock, directory };
      const parts = { place, log, keys, files, directories, writer };
      return new LogStore(parts, durability);
    } catch (thrown) {
      // What has gone wrong first is what counts.
      await closeAll(
        () => directories?.close(),
        () => opened?.close(),
        async () => keys.reader.close(),
        () => files.close(),
      ).catch(() => undefined);
      throw thrown;
    }
  }

  private constructor(parts: StoreParts, durability: Durability) {
    this.log = parts.log;
    this.#place = parts.place;
    this.#keys = parts.keys;
    this.#files = parts.files;
    this.#directories = parts.directories;
    this.#writer = parts.writer;
    this.#durability = durability;
  }

  /** Index of the last entry that reads reflect. */
  get appliedIndex(): number {
    return this.#keys.space.appliedIndex;
  }

  /**
   * Stores `value` under `key`. Resolves, and reads see it, when it is as durable as was asked for.
   * Rejects with `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE`, `DLE_DISK_FULL` (retryable),
   * `DLE_CLOSED`, `DLE_INVALID_ARGUMENT`: nothing was written; or with `DLE_STORAGE_POISONED`: see
   * its `effect`.
   */
  put(key: BytesLike, value: BytesLike, options?: WriteOptions): Promise<void> {
    try {
      return this.#writing().writeOne(
        this.#encoder.key(key),
        bytesOf(value),
        this.#isDurable(options),
      );
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Deletes `key`, which need not be there. Settles as `put` does. */
  del(key: BytesLike, options?: WriteOptions): Promise<void> {
    try {
      return this.#writing().writeOne(this.#encoder.key(key), undefined, this.#isDurable(options));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /**
   * Does all of `operations`, in order, or none of them; reads see all or none. At most 65,536
   * operations and
   * 64 MiB with 64 bytes for each. Settles as `put` does.
   */
  async batch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<void> {
    const writer = this.#writing();
    if (operations.length === 0) return;
    return writer.writeMany(operations, this.#isDurable(options));
  }

  /**
   * A copy of the value, read by the thread pool; `undefined` if there is none. Throws
   * `DLE_CORRUPT`, `DLE_IO`.
   */
  async get(key: BytesLike): Promise<Uint8Array | undefined> {
    return this.#keys.reader.get(bytesOf(key));
  }

  /**
   * As `get`, at once: far cheaper where the record is in the page cache; where it is not,
   * everything else waits for the disk.
   */
  getSync(key: BytesLike): Uint8Array | undefined {
    return this.#keys.reader.getSync(this.#encoder.key(key));
  }

  /**
   * Copies the value into `target`, from its first byte on, and returns the length of the value;
   * -1 if there is none. Throws `DLE_INVALID_ARGUMENT` if `target` is shorter than the value, whose
   * length is `details.valueLength` then; nothing has been copied.
   */
  getInto(key: BytesLike, target: Uint8Array): number {
    return this.#keys.reader.getInto(this.#encoder.key(key), target);
  }

  /**
   * The value, borrowed, at the least cost there is: not to be written to. It stays as it is for as
   * long as it is held, whatever is written, deleted or closed meanwhile; but while it is held, so
   * is the memory or the map of a whole segment behind it: copy what is to be kept.
   */
  getView(key: BytesLike): Uint8Array | undefined {
    return this.#keys.reader.getView(this.#encoder.key(key));
  }

  /** Whether there is a value. */
  has(key: BytesLike): boolean {
    return this.#keys.reader.has(this.#encoder.key(key));
  }

  /** The values of `keys`, in their order. */
  getMany(keys: readonly BytesLike[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  /**
   * Resolves when everything written before is on the device. Rejects with `DLE_STORAGE_POISONED`.
   */
  async flush(): Promise<void> {
    this.#writer?.append();
    await this.log.whenFlushed(this.log.accepted);
  }

  /**
   * Replicated mode: the entries up to `index` are committed and written; reads reflect them from
   * now on.
   * `onEntry` is called for each, in order. Throws `DLE_CORRUPT`, `DLE_IO` if one has to be read
   * back.
   */
  apply(index: number, onEntry?: OnEntry): void {
    this.#keys.space.applyUpTo(this.log.entries, index, onEntry);
  }

  /**
   * A point-in-time copy of all keys, for a dump that writes go on beside. 8 bytes a key until
   * closed.
   */
  snapshotKeys(): KeySnapshot {
    const { space, segments } = this.#keys;
    return new PositionSnapshot(segments, space.appliedIndex, space.positions());
  }

  /**
   * Reads every byte of every file and holds it against its checksums; says where what is not as it
   * should be. Writes go on beside it. Rejects with `DLE_IO`, `DLE_FORMAT`.
   */
  async verify(): Promise<VerifyReport> {
    if (this.log.failure === undefined) await this.flush();
    await this.#directories?.idle();
    const { clock, directory, vfs } = this.#place;
    const healed = this.#directories?.healed ?? [];
    return new Verifier({ vfs, clock, log: this.log }, directory, healed).run();
  }

  /** Plain counters. */
  stats(): LogStoreStats {
    return {
      ...this.log.counters,
      keys: this.#keys.space.size,
      indexBytes: this.#keys.space.indexBytes,
      directories: { ...(this.#directories?.counters ?? NO_DIRECTORIES) },
      lastIndex: this.log.lastIndex,
      appliedIndex: this.appliedIndex,
      poisoned: this.log.failure !== undefined,
    };
  }

  /** Flushes what was written and frees the directory. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #close(): Promise<void> {
    this.#writer?.append();
    return closeAll(
      () => this.#directories?.close(),
      () => this.log.close(),
      async () => this.#keys.reader.close(),
      () => this.#files.close(),
    );
  }

  #writing(): GroupWriter {
    if (this.#writer !== undefined) return this.#writer;
    throw new DleError('DLE_INVALID_ARGUMENT', 'a replicated store is written to by consensus');
  }

  #isDurable(options: WriteOptions | undefined): boolean {
    return isDurable(options?.durability ?? this.#durability);
  }
}

function isDurable(durability: Durability): boolean {
  if (durability === 'flush' || durability === 'none') return durability === 'flush';
  const message = `durability is flush or none, not ${JSON.stringify(durability)}`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}

/** Takes in what has been written. What can be known only in part is not shown at all. */
function apply(keys: KeyState, log: Log, batch: EntryBatch): void {
  try {
    keys.space.apply(log.entries, batch);
    log.releaseEntriesBelow(keys.space.appliedIndex + 1);
  } catch (thrown) {
    keys.reader.fail(DleError.from(thrown));
    throw thrown;
  }
}

/** Takes in what recovery has just read. */
function recover(
  directory: string,
  keys: Keyspace,
  entries: LogEntries,
  replicated: boolean,
): void {
  const { lastIndex } = entries;
  if (lastIndex === 0) return;
  if (entries.termAt(lastIndex) > 0 !== replicated) {
    const [owner, how] = replicated ? ['a standalone store', 'a'] : ['a member of a cluster', 'no'];
    const message = `${directory} belongs to ${owner}: it cannot be opened as ${how} replicated one`;
    throw new DleError('DLE_FORMAT', message);
  }
  // Alone, what is in the log has happened; among others, what is known to be committed.
  keys.applyUpTo(entries, replicated ? entries.commit : lastIndex);
  if (!replicated) entries.releaseBelow(lastIndex + 1);
}
