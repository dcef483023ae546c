import {
  DleError,
  EMPTY_BYTES,
  MAX_KEY_BYTES,
  MAX_VALUE_BYTES,
  systemClock,
  systemRandom,
  toBytes,
} from '@dle/common';
import { MAX_BATCH_BYTES } from '../limits.js';
import { EntryBatchBuilder } from '../log/entry-batch-builder.js';
import { Log } from '../log/log.js';
import { recordBytes } from '../log/record.js';
import { SegmentFiles } from '../log/segment-files.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import { Keyspace, type OnEntry } from './keyspace.js';
import { FileSegmentReader } from './segment-reader.js';
import type {
  BatchOperation,
  BytesLike,
  Durability,
  KeySnapshot,
  LogStoreComponents,
  LogStoreOptions,
  LogStoreStats,
  WriteOptions,
} from './types.js';
import { WriteGroup } from './write-groups.js';

/** Entries of a standalone store are made by nobody's term. */
const NO_TERM = 0;

/**
 * A durable key-value store in one directory. Writes of one turn of the event loop share a write and a flush. Reads
 * verify the checksums of what they return.
 */
export class LogStore {
  /** The log beneath; in replicated mode the consensus layer appends to it. */
  readonly log: Log;
  readonly #keys: Keyspace;
  readonly #files: SegmentFiles;
  readonly #durability: Durability;
  readonly #replicated: boolean;
  /** The writes of this turn. */
  #builder: EntryBatchBuilder | undefined;
  #gathering: WriteGroup | undefined;
  /** Appended, in order; not yet applied. */
  #groups: WriteGroup[] = [];
  #closed: Promise<void> | undefined;

  /**
   * Opens the store in `directory`, or makes it.
   *
   * @throws DleError `DLE_LOCKED`, `DLE_CORRUPT` and `DLE_FORMAT` (naming file and offset), `DLE_DISK_FULL`,
   *   `DLE_IO`, `DLE_INVALID_ARGUMENT`
   */
  static async open(
    directory: string,
    options: LogStoreOptions = {},
    components: LogStoreComponents = {},
  ): Promise<LogStore> {
    const { vfs = new NodeVfs(), clock = systemClock, random = systemRandom } = components;
    const { segmentSize, idleFlushMs, tailCacheBytes, replicated = false } = options;
    const files = new SegmentFiles(vfs, directory);
    const keys = new Keyspace(new FileSegmentReader(files));
    let store: LogStore | undefined;
    try {
      const log = await Log.open(
        { vfs, clock, random },
        { directory, segmentSize, idleFlushMs, tailCacheBytes },
        {
          recovered: (entries) => {
            // Alone, what is in the log has happened; among others, what is known to be committed.
            keys.applyUpTo(entries, replicated ? entries.commit : entries.lastIndex);
            if (!replicated) entries.releaseBelow(entries.lastIndex + 1);
          },
          gather: () => {
            if (store !== undefined) store.#append();
          },
        },
      );
      store = new LogStore(log, keys, files, options);
      return store;
    } catch (thrown) {
      await files.close();
      throw thrown;
    }
  }

  private constructor(log: Log, keys: Keyspace, files: SegmentFiles, options: LogStoreOptions) {
    this.log = log;
    this.#keys = keys;
    this.#files = files;
    this.#durability = options.durability ?? 'flush';
    this.#replicated = options.replicated ?? false;
    log.onSubmitted(() => this.#settle());
    log.onFlushed(() => this.#settle());
    log.onFailed((error) => this.#fail(error));
  }

  /** Index of the last entry that reads reflect. */
  get appliedIndex(): number {
    return this.#keys.appliedIndex;
  }

  /**
   * Stores `value` under `key`. Resolves, and reads see it, when it is durable as asked for. Rejects with
   * `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE`, `DLE_DISK_FULL`, `DLE_CLOSED` (effect none) or
   * `DLE_STORAGE_POISONED` (effect unknown).
   */
  put(key: BytesLike, value: BytesLike, options: WriteOptions = {}): Promise<void> {
    return this.#write([{ type: 'put', key, value }], options);
  }

  /** Deletes `key`, which need not be there. As `put`. */
  del(key: BytesLike, options: WriteOptions = {}): Promise<void> {
    return this.#write([{ type: 'del', key }], options);
  }

  /** All or nothing, seen together; at most 65,536 operations and 64 MiB. As `put`. */
  batch(operations: readonly BatchOperation[], options: WriteOptions = {}): Promise<void> {
    return operations.length === 0 ? Promise.resolve() : this.#write(operations, options);
  }

  /** A copy of the value, or `undefined`. Throws `DLE_CORRUPT`, `DLE_IO`, `DLE_CLOSED`. */
  getSync(key: BytesLike): Uint8Array | undefined {
    return this.#keys.get(toBytes(key));
  }

  /** As `getSync`; rejects instead of throwing. */
  async get(key: BytesLike): Promise<Uint8Array | undefined> {
    return this.getSync(key);
  }

  async getMany(keys: readonly BytesLike[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.getSync(key));
  }

  has(key: BytesLike): boolean {
    return this.#keys.has(toBytes(key));
  }

  /** Resolves when everything written before is on the device. */
  async flush(): Promise<void> {
    this.#append();
    await this.log.whenFlushed(this.log.accepted);
  }

  /**
   * Replicated mode: the entries up to `index` are committed, and reads reflect them from now on.
   * They have to be written. `onEntry` is called for each, in order.
   */
  apply(index: number, onEntry?: OnEntry): void {
    this.#keys.applyUpTo(this.log.entries, index, onEntry);
  }

  /** A point-in-time copy of all keys, for a dump that writes go on beside. */
  snapshotKeys(): KeySnapshot {
    return this.#keys.snapshot();
  }

  stats(): LogStoreStats {
    return {
      ...this.log.counters,
      keys: this.#keys.size,
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

  async #close(): Promise<void> {
    this.#append();
    const last = this.#groups.at(-1)?.promise;
    // Whoever wrote hears of a failure; closing goes on all the same.
    if (last !== undefined) await this.log.whenFlushed(this.log.accepted).catch(() => {});
    await this.log.close();
    await this.#files.close();
  }

  #write(operations: readonly BatchOperation[], options: WriteOptions): Promise<void> {
    try {
      this.#assertWritable();
      const checked = operations.map(checkOperation);
      const bytes = checked.reduce((sum, { key, value }) => {
        return sum + recordBytes(key.length, value.length);
      }, 0);
      // What a turn gathers beyond one batch goes into the next.
      if ((this.#builder?.length ?? 0) + bytes > MAX_BATCH_BYTES) this.#append();
      this.#builder ??= new EntryBatchBuilder(this.log.lastIndex + 1, NO_TERM);
      const builder = this.#builder;
      for (const { isPut, key, value } of checked) {
        if (isPut) builder.put(key, value);
        else builder.delete(key);
      }
      builder.endEntry();
    } catch (thrown) {
      return Promise.reject(DleError.from(thrown));
    }
    this.#gathering ??= new WriteGroup();
    if ((options.durability ?? this.#durability) === 'flush') this.#gathering.durable = true;
    this.log.schedule();
    return this.#gathering.promise;
  }

  #assertWritable(): void {
    if (this.#closed !== undefined) throw new DleError('DLE_CLOSED', 'the store is closed');
    if (this.#replicated) {
      const message = 'the writes of a replicated store come through consensus';
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    if (this.log.failure !== undefined) throw this.log.failure;
  }

  /** Hands what the turn has gathered to the log. */
  #append(): void {
    const group = this.#gathering;
    const builder = this.#builder;
    if (group === undefined || builder === undefined) return;
    this.#gathering = undefined;
    this.#builder = undefined;
    try {
      group.batch = builder.finish();
      group.sequence = this.log.append(group.batch, { durable: group.durable });
      this.#groups.push(group);
    } catch (thrown) {
      group.reject(DleError.from(thrown));
    }
  }

  /** Applies, in order, what counts by now, and answers who waits for it. */
  #settle(): void {
    const { submitted, flushed } = this.log;
    let done = 0;
    for (const group of this.#groups) {
      if (group.sequence > (group.durable ? flushed : submitted)) break;
      const batch = group.batch!;
      this.#keys.apply(this.log.entries, batch, batch.firstIndex, batch.lastIndex);
      done++;
    }
    if (done === 0) return;
    this.log.releaseEntriesBelow(this.appliedIndex + 1);
    for (const group of this.#groups.splice(0, done)) group.resolve();
  }

  #fail(error: DleError): void {
    for (const group of this.#groups.splice(0)) group.reject(error);
  }
}

interface Checked {
  readonly isPut: boolean;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Before anything of a batch is written: a batch is all or nothing. */
function checkOperation(operation: BatchOperation): Checked {
  const key = toBytes(operation.key);
  const value = operation.type === 'put' ? toBytes(operation.value) : EMPTY_BYTES;
  if (key.length > MAX_KEY_BYTES) {
    const message = `a key of ${key.length} bytes; at most ${MAX_KEY_BYTES} are allowed`;
    throw new DleError('DLE_KEY_TOO_LARGE', message);
  }
  if (value.length > MAX_VALUE_BYTES) {
    const message = `a value of ${value.length} bytes; at most ${MAX_VALUE_BYTES} are allowed`;
    throw new DleError('DLE_VALUE_TOO_LARGE', message);
  }
  return { isPut: operation.type === 'put', key, value };
}
