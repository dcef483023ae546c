import { DleError, isDleError, systemClock, systemRandom } from '@dle/common';
import { copyOf } from '../bytes.js';
import { repair } from '../care/repair.js';
import { restore } from '../care/restore.js';
import type { BackupReport, CareOptions, RepairReport, RestoreReport } from '../care/types.js';
import { closeAll } from '../close-all.js';
import type { CompactOptions } from '../compaction/compactor.js';
import type { Floor } from '../compaction/log-floor.js';
import type { Log } from '../log/log.js';
import type { StoreIterator } from '../ordered/store-iterator.js';
import type { ClearOptions, IteratorOptions, ReadOptions, Snapshot } from '../ordered/types.js';
import type { FoundDamage } from '../scrub/found-damage.js';
import type { ScrubOptions, ScrubReport } from '../scrub/scrubber.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import { type BaseExport, StoreBaseExport } from './base/base-export.js';
import { BaseImporter, type ImportOptions } from './base/base-importer.js';
import { bytesOf } from './bytes-like.js';
import type { GroupWriter } from './group-writer.js';
import { KeyEncoder } from './key-encoder.js';
import type { KeyState } from './key-state.js';
import type { OnFound } from './keyspace.js';
import { PositionSnapshot } from './position-snapshot.js';
import { checkRoom, withRoom } from './room.js';
import {
  openParts,
  type ReplicatedParts,
  type StandaloneParts,
  type StoreParts,
} from './store-parts.js';
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

/**
 * A durable key-value store in one directory: a log, and an index in memory that says where in it
 * the newest value of each key lies. Writes of one turn of the event loop share one write and one
 * flush. Every read verifies the checksums of what it returns.
 */
export class LogStore {
  /** The log beneath; in replicated mode the consensus layer appends to it. */
  readonly log: Log;
  readonly #parts: StoreParts;
  readonly #keys: KeyState;
  readonly #durability: Durability;
  readonly #encoder = new KeyEncoder();
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
    const { durability = 'flush' } = options;
    isDurable(durability);
    return new LogStore(await openParts({ vfs, clock, random }, directory, options), durability);
  }

  /**
   * Makes a store in `directory`, which must be empty or missing, of a backup: every byte of that
   * is checked, and copied, so that it stays as it is whatever becomes of the store. All of it is
   * on the device when it resolves; one that was interrupted can be repeated. Rejects with
   * `DLE_CORRUPT` (the backup is damaged), `DLE_INVALID_ARGUMENT`, `DLE_LOCKED`, `DLE_FORMAT`,
   * `DLE_DISK_FULL`, `DLE_IO`, or the reason of `signal`.
   */
  static async restore(
    backup: string,
    directory: string,
    options?: CareOptions,
    components: LogStoreComponents = {},
  ): Promise<RestoreReport> {
    const { vfs = new NodeVfs(), clock = systemClock } = components;
    return restore({ vfs, clock }, backup, directory, options);
  }

  /**
   * Saves what is whole of a damaged store, which nobody may have open: of each key the newest
   * record that is whole, and of deletes all that can be found. A new store of that takes the
   * place of the damaged one, whose files are kept aside, in a directory `damaged` there; it needs
   * as much room as what counts takes. The report says what was lost. A store that is whole is
   * left alone. A repair that was interrupted goes on when it is run again, and until then `open`
   * may refuse the store. Rejects with `DLE_INVALID_ARGUMENT` (no store there), `DLE_LOCKED`,
   * `DLE_FORMAT`, `DLE_DISK_FULL`, `DLE_IO`, or the reason of `signal`.
   */
  static async repair(
    directory: string,
    options?: CareOptions,
    components: LogStoreComponents = {},
  ): Promise<RepairReport> {
    const { vfs = new NodeVfs(), clock = systemClock, random = systemRandom } = components;
    const parts = { vfs, clock, random };
    const open = (draft: string) =>
      LogStore.open(draft, { compaction: { automatic: false } }, parts);
    return repair({ ...parts, open }, directory, options);
  }

  /**
   * Begins to take in the base of another node, or goes on with what a crash has left of it, beside
   * the replicated store in `directory`, which may be open. When all chunks have come, the store is
   * closed and the import finished, the next `open` finds the base in its place: with the id of the
   * store and its local states, the floor as the base has it, and an empty log behind that. One
   * that was begun for another floor is given up. Rejects with `DLE_INVALID_ARGUMENT`, `DLE_LOCKED`
   * (another import is under way there), `DLE_DISK_FULL`, `DLE_IO`, `DLE_CORRUPT`.
   */
  static async beginImport(
    directory: string,
    options: ImportOptions,
    components: Pick<LogStoreComponents, 'vfs'> = {},
  ): Promise<BaseImporter> {
    const { vfs = new NodeVfs() } = components;
    return BaseImporter.begin(vfs, directory, options);
  }

  private constructor(parts: StoreParts, durability: Durability) {
    this.log = parts.log;
    this.#parts = parts;
    this.#keys = parts.keys;
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
  async get(key: BytesLike, options?: ReadOptions): Promise<Uint8Array | undefined> {
    if (options?.snapshot !== undefined) {
      return this.#parts.ordered.get(bytesOf(key), options.snapshot);
    }
    // What is newest now may be moved, and unlinked, while it is being read.
    const hold = this.#parts.catalog.hold();
    try {
      return await this.#keys.reader.get(bytesOf(key));
    } finally {
      hold.release();
    }
  }

  /**
   * As `get`, at once: far cheaper where the record is in the page cache; where it is not,
   * everything else waits for the disk. The first read of a snapshot may have to look through a
   * segment.
   */
  getSync(key: BytesLike, options?: ReadOptions): Uint8Array | undefined {
    if (options?.snapshot !== undefined) {
      return this.#parts.ordered.getSync(this.#encoder.key(key), options.snapshot);
    }
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
  has(key: BytesLike, options?: ReadOptions): boolean {
    if (options?.snapshot !== undefined) {
      return this.#parts.ordered.has(this.#encoder.key(key), options.snapshot);
    }
    return this.#keys.reader.has(this.#encoder.key(key));
  }

  /** The values of `keys`, in their order. */
  getMany(keys: readonly BytesLike[], options?: ReadOptions): Promise<(Uint8Array | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key, options)));
  }

  /**
   * The pairs of a range in the order of their keys, as they are now or in a snapshot; what is
   * written from now on is not seen. Throws `DLE_CLOSED`, `DLE_INVALID_ARGUMENT`.
   */
  iterator(options: IteratorOptions = {}): StoreIterator<[Uint8Array, Uint8Array]> {
    return this.#parts.ordered.iterator(options, 'pairs');
  }

  /** As `iterator`, the keys alone: no value is read. */
  keys(options: IteratorOptions = {}): StoreIterator<Uint8Array> {
    return this.#parts.ordered.iterator(options, 'keys');
  }

  /** As `iterator`, the values alone. */
  values(options: IteratorOptions = {}): StoreIterator<Uint8Array> {
    return this.#parts.ordered.iterator(options, 'values');
  }

  /**
   * The store as it is now, to be read from for as long as it is held. Throws as `iterator` does.
   */
  snapshot(): Snapshot {
    return this.#parts.ordered.snapshot();
  }

  /**
   * Deletes the keys of a range, as they are now or in a snapshot, in pages of up to 1,000: each of
   * them all or nothing, as durable as the store's writes are. What is written into the range
   * meanwhile may go or stay. Rejects as `batch` and iterators do, and with the reason of `signal`:
   * the pages before are done then.
   */
  async clear(options: ClearOptions = {}): Promise<void> {
    const writer = this.#writing();
    const durable = this.#isDurable(undefined);
    await this.#parts.ordered.clear(options, (keys) => {
      return writer.writeMany(
        keys.map((key) => ({ type: 'del' as const, key })),
        durable,
      );
    });
  }

  /**
   * Resolves when everything written before is on the device. Rejects with `DLE_STORAGE_POISONED`.
   */
  async flush(): Promise<void> {
    this.#parts.standalone?.writer.append();
    await this.log.whenFlushed(this.log.accepted);
  }

  /**
   * Replicated mode: the entries up to `index` are committed and written; reads reflect them from
   * now on. `onFound` is called with the index of an entry for each delete in it that has found its
   * key, or may have, in order. Throws `DLE_CORRUPT`, `DLE_IO` if one has to be read back.
   */
  apply(index: number, onFound?: OnFound): void {
    this.#keys.space.applyUpTo(this.log.entries, index, onFound);
    this.#parts.replicated?.sealed.check();
  }

  /**
   * Replicated mode: up to where the log has been given up, as `setFloor` was told; `index` is 0
   * where it never was.
   */
  get floor(): Floor {
    return this.#replicated().floor.current;
  }

  /**
   * Replicated mode: the entries up to `floor.index`, which are applied, are needed no more by
   * their indexes. From now on, and at the next start, `log.firstIndex` is that plus one, and
   * compaction may rewrite the segments that hold nothing above. A lower one than before is
   * ignored. Resolves when it is durable; costs a flush of the log and a new manifest, so it is
   * for every few megabytes, not for every entry. Rejects with `DLE_INVALID_ARGUMENT` (not
   * applied, another term, more than 64 KiB of state), and as the floor stays as it was then, with
   * `DLE_STORAGE_POISONED`, `DLE_DISK_FULL`, `DLE_IO`, `DLE_CLOSED`.
   */
  async setFloor(floor: Floor): Promise<void> {
    this.#replicated();
    if (this.#closed !== undefined) throw new DleError('DLE_CLOSED', 'the store is closed');
    this.log.checkWritable();
    const { installer, compactor } = this.#parts;
    try {
      await installer.setFloor(floor);
    } catch (thrown) {
      // What is below the floor is where compaction finds room.
      if (!isDleError(thrown, 'DLE_DISK_FULL') || !compactor.makeForDeletes()) throw thrown;
      await installer.setFloor(floor);
    }
    compactor.touch();
  }

  /**
   * Replicated mode: makes sure that entries of up to `bytes` bytes can be appended to `log`, and
   * some small frames beside them. On a full disk, entries that only delete have room that was set
   * aside, and compaction begins to win some back from what lies below the floor. Throws
   * `DLE_DISK_FULL` (retryable; nothing has changed), `DLE_IO`, `DLE_STORAGE_POISONED`,
   * `DLE_TOO_MANY_SEGMENTS`, `DLE_CLOSED`.
   */
  reserve(bytes: number, deletesOnly: boolean): void {
    this.#replicated();
    const { compactor } = this.#parts;
    checkRoom(compactor, bytes, deletesOnly);
    withRoom(compactor, deletesOnly, () => this.log.reserve(bytes));
  }

  /**
   * Replicated mode: the state after the last entry that was applied, to be brought to another
   * node, chunk by chunk, while writes go on. `state` is what consensus must know at that index.
   * Throws `DLE_CLOSED`, `DLE_INVALID_ARGUMENT` (nothing has been applied yet).
   */
  exportBase(state: Uint8Array): BaseExport {
    this.#replicated();
    const { ordered } = this.#parts;
    const index = this.appliedIndex;
    if (index === 0) throw new DleError('DLE_INVALID_ARGUMENT', 'nothing has been applied yet');
    const term = this.log.termAt(index);
    const base = { index, term, state: copyOf(state), bytes: this.#keys.live.total };
    return new StoreBaseExport(ordered, ordered.snapshot(), base);
  }

  /**
   * A point-in-time copy of all keys, for a dump that writes go on beside. 8 bytes a key until
   * closed.
   */
  snapshotKeys(): KeySnapshot {
    const { space, segments } = this.#keys;
    const hold = this.#parts.catalog.hold();
    return new PositionSnapshot({ reader: segments, hold }, space.appliedIndex, space.positions());
  }

  /**
   * Reads every byte of every file and holds it against its checksums; says where what is not as it
   * should be. Writes go on beside it. Rejects with `DLE_IO`, `DLE_FORMAT`.
   */
  async verify(): Promise<VerifyReport> {
    if (this.log.failure === undefined) await this.flush();
    const { place, directories, catalog } = this.#parts;
    await directories.idle();
    const { clock, directory, vfs } = place;
    const { healed } = directories;
    const { dead } = this.log.entries;
    const hold = catalog.hold();
    try {
      const listed = new Set(hold.files.map(({ id }) => id));
      const known = { healed, listed, dead };
      return await new Verifier({ vfs, clock, log: this.log }, directory, known).run();
    } finally {
      hold.release();
    }
  }

  /**
   * Reads everything that was flushed, once, and checks every checksum; what it
   * finds is told to `onDamage` as well, and key directories and the manifest are made again. It
   * happens by itself, slowly; this is for now. Rejects with `DLE_IO`, `DLE_CLOSED`, or the reason
   * of `signal`.
   */
  async scrub(options: ScrubOptions = {}): Promise<ScrubReport> {
    return this.#parts.scrubber.scrub(options);
  }

  /**
   * `listener` is told of damage in files that are in use, once of each place, whoever has met it:
   * scrubbing, compaction, reads in the order of the keys, the making of a key directory. Not of
   * what a point read meets, which throws it. `stats().damage` has what was found before. Returns
   * a function that ends it.
   */
  onDamage(listener: (damage: FoundDamage) => void): () => void {
    return this.#parts.damages.onDamage(listener);
  }

  /**
   * Rewrites everything that is worth it, so that the files hold little but what counts, in one
   * sorted run. It happens by itself, too, where there is much to be won; this does all there is to
   * do, and resolves when it is done. Needs as much room on the disk as what counts takes. Rejects
   * with `DLE_DISK_FULL`, `DLE_CORRUPT`, `DLE_IO`, `DLE_STORAGE_POISONED`, `DLE_CLOSED`, or the
   * reason of `signal`: what had been done by then stays done, and nothing is lost. In a replicated
   * store the log stays as it is above the floor.
   */
  async compact(options?: CompactOptions): Promise<void> {
    const { compactor, reclaimer } = this.#parts;
    await compactor.compact(options);
    await reclaimer.idle();
  }

  /**
   * Copies the store, as it is at the call, into `directory`, while writes and compaction go on: a
   * store by itself, which `open` opens as it is. Files that nobody writes to any more are shared
   * with it, where both lie on one disk: they take no space twice, and are harmed together; another
   * disk has a copy of its own. All of it is on the device when it resolves; until then `open`
   * refuses the directory. A backup of this store that is there already, or that was interrupted,
   * is brought up to date. Rejects with `DLE_INVALID_ARGUMENT` (there is something else in the
   * directory; a replicated store), `DLE_LOCKED`, `DLE_DISK_FULL`, `DLE_CORRUPT`, `DLE_IO`,
   * `DLE_STORAGE_POISONED`, `DLE_CLOSED`, or the reason of `signal`.
   */
  async backup(directory: string, options?: CareOptions): Promise<BackupReport> {
    return this.#standalone().backups.make(directory, options);
  }

  /** Plain counters. */
  stats(): LogStoreStats {
    const { directories, compactor, ordered, catalog, scrubber, damages } = this.#parts;
    const sorted = catalog.files.filter(({ kind }) => kind === 'sorted');
    return {
      ...this.log.counters,
      keys: this.#keys.space.size,
      indexBytes: this.#keys.space.indexBytes,
      directories: { ...directories.counters },
      compaction: { ...compactor.counters },
      sortedRuns: new Set(sorted.map(({ run }) => run)).size,
      liveBytes: this.#keys.live.total,
      snapshots: ordered.stats,
      scrub: scrubber.counters,
      damage: damages.all,
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
    const { standalone, ordered, compactor, installer, directories, background } = this.#parts;
    const { reclaimer, files, scrubber } = this.#parts;
    standalone?.writer.append();
    return closeAll(
      () => scrubber.close(),
      () => standalone?.backups.close(),
      () => ordered.close(),
      () => compactor.close(),
      () => installer.idle(),
      () => directories.close(),
      () => background.close(),
      () => this.log.close(),
      async () => this.#keys.reader.close(),
      () => reclaimer.idle(),
      () => files.close(),
    );
  }

  #standalone(): StandaloneParts {
    const { standalone } = this.#parts;
    if (standalone !== undefined) return standalone;
    throw new DleError('DLE_INVALID_ARGUMENT', 'a replicated store cannot do that');
  }

  #replicated(): ReplicatedParts {
    const { replicated } = this.#parts;
    if (replicated !== undefined) return replicated;
    throw new DleError('DLE_INVALID_ARGUMENT', 'a standalone store cannot do that');
  }

  #writing(): GroupWriter {
    const { standalone } = this.#parts;
    if (standalone !== undefined) return standalone.writer;
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
