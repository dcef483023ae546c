import { assert, DleError, isDleError, randomId } from '@dle/common';
import { closeAll } from '../close-all.js';
import {
  DEFAULT_IDLE_FLUSH_MS,
  DEFAULT_SEGMENT_BYTES,
  DEFAULT_TAIL_CACHE_BYTES,
} from '../limits.js';
import type { VfsLock } from '../vfs/vfs.js';
import type { EntryBatch } from './entry-batch.js';
import { IdleFrames } from './idle-frames.js';
import { encodeLocalState, LocalState } from './local-state.js';
import { LogEntries } from './log-entries.js';
import {
  type AppendOptions,
  checkOptions,
  type LogBase,
  type LogComponents,
  type LogObservers,
  type LogOptions,
} from './log-options.js';
import { LogWriter, type SealedSegment } from './log-writer.js';
import { ownFrame } from './own-frame.js';
import { type Recovered, recover } from './recovery.js';
import { Segment } from './segment.js';
import { SegmentFiles } from './segment-files.js';
import { RoomBehind, type SegmentAccounts } from './segment-space.js';
import { resumeAbove, takeIn } from './take-in.js';

/** What a log is made of once it has been recovered. */
interface Parts {
  readonly entries: LogEntries;
  readonly localState: LocalState;
  readonly files: SegmentFiles;
  readonly lock: VfsLock;
}

/**
 * The log of one directory: the one ordered stream of everything that is written there. It holds
 * entries and, beside them, local state; it knows nothing of keys, nor of votes. Everything is
 * accepted synchronously, in order, into space that is taken at once; `flushed` tells how far it is
 * durable. It counts frames: what a call returns is the sequence of the frame that will hold what
 * it was given.
 */
export class Log {
  /** The entries and where they lie. */
  readonly entries: LogEntries;
  /** 32 hexadecimal digits, random, made with the directory; durable. */
  readonly storeId: string;
  readonly #localState: LocalState;
  readonly #files: SegmentFiles;
  readonly #lock: VfsLock;
  readonly #writer: LogWriter;
  readonly #idle: IdleFrames;
  readonly #keepsEntries: boolean;
  readonly #unvouched: SealedSegment[];
  /** Adds to them what is sealed before anybody can listen: an idle frame may begin a segment. */
  readonly #stopNoting: () => void;
  #closed: Promise<void> | undefined;

  /**
   * Locks and recovers the log in `directory`, or makes it. Throws `DLE_LOCKED`, `DLE_CORRUPT` and
   * `DLE_FORMAT` (naming file and offset), `DLE_DISK_FULL` (only where there is none yet),
   * `DLE_IO`.
   */
  static async open(
    components: LogComponents,
    options: LogOptions,
    observers: LogObservers = {},
  ): Promise<Log> {
    checkOptions(options);
    const { vfs } = components;
    const { directory } = options;
    await vfs.makeDirectory(directory);
    const lock = await vfs.lock(directory);
    const files = new SegmentFiles(vfs, directory);
    try {
      const entries = new LogEntries(files, options.tailCacheBytes ?? DEFAULT_TAIL_CACHE_BYTES);
      const localState = new LocalState();
      const base: LogBase = (await observers.locked?.()) ?? { gaps: [], nextId: 1 };
      const { floor } = base;
      // What a frame that is not read has replaced nobody would know.
      for (const extent of floor?.dead ?? []) entries.dead.add(extent, 0);
      const { reachesSegment } = options;
      const recovered = await recover(
        { vfs, files },
        directory,
        { ...base, reachesSegment },
        {
          endOf: async (segment) => observers.endOf?.(segment),
          readSealed: async (segment) => observers.readSealed?.(segment),
          restore: async (ends) => {
            await observers.restore?.(ends);
            for (const { lastIndex, lastTerm, commit } of ends) {
              if (lastIndex > 0) entries.resumeAfter(lastIndex, lastTerm);
              entries.setCommit(commit);
            }
          },
          visit: (frame) => {
            takeIn(frame, entries, localState);
            observers.recovered?.(entries);
          },
        },
      );
      if (floor !== undefined) {
        resumeAbove(floor, entries, directory);
        observers.recovered?.(entries);
        entries.releaseBelow(floor.index + 1);
      }
      const log = new Log(components, options, observers, recovered, {
        entries,
        localState,
        files,
        lock,
      });
      await log.#begin(recovered);
      return log;
    } catch (thrown) {
      // What has gone wrong first is what counts.
      await closeAll(
        () => files.close(),
        () => lock.release(),
      ).catch(() => undefined);
      throw thrown;
    }
  }

  private constructor(
    components: LogComponents,
    options: LogOptions,
    observers: LogObservers,
    recovered: Recovered,
    parts: Parts,
  ) {
    this.entries = parts.entries;
    this.#localState = parts.localState;
    this.#files = parts.files;
    this.#lock = parts.lock;
    this.#unvouched = [...recovered.unvouched];
    this.#keepsEntries = observers.readsEntries ?? true;
    this.storeId = recovered.storeId ?? options.storeId ?? randomId(components.random);
    const { segmentSize = DEFAULT_SEGMENT_BYTES } = options;
    const { nextSegmentBytes = () => segmentSize } = options;
    this.#writer = new LogWriter(
      components,
      { ...recovered, directory: options.directory, nextSegmentBytes, storeId: this.storeId },
      {
        localState: parts.localState,
        gather: () => observers.gather?.(),
        commit: () => parts.entries.commit,
      },
    );
    if (recovered.resume !== undefined) {
      const { segment, tail } = recovered.resume;
      const { directory } = options;
      this.#writer.space.resume(
        Segment.reopen(components.vfs, directory, segment, nextSegmentBytes()),
        tail,
      );
    }
    this.#writer.onSubmitted.add(() => parts.entries.written());
    this.#stopNoting = this.#writer.onSealed.add((segment) => this.#unvouched.push(segment));
    this.#idle = new IdleFrames(
      { clock: components.clock, writer: this.#writer, commit: () => parts.entries.commit },
      {
        idleFlushMs: options.idleFlushMs ?? DEFAULT_IDLE_FLUSH_MS,
        closedWith: recovered.resume === undefined ? 0 : recovered.sequence,
      },
    );
  }

  /** Lowest index whose entry can be read; lastIndex + 1 if there is none. */
  get firstIndex(): number {
    return this.entries.firstIndex;
  }

  /** Of the newest accepted entry; 0 if there is none. */
  get lastIndex(): number {
    return this.entries.lastIndex;
  }

  /** Term of the entry at `index`; 0 at index 0. Known from `firstIndex - 1` on. */
  termAt(index: number): number {
    return this.entries.termAt(index);
  }

  /** Size of the entry at `index` in bytes. */
  bytesAt(index: number): number {
    return this.entries.bytesAt(index);
  }

  /** Bytes of the entries from `index` on, with headers; 0 behind the last. */
  bytesFrom(index: number): number {
    return this.entries.bytesFrom(index);
  }

  /** As last set; after recovery the highest that any frame knew of. Never above `lastIndex`. */
  get commit(): number {
    return this.entries.commit;
  }

  /** A copy of the value last set for `key`. */
  localState(key: string): Uint8Array | undefined {
    return this.#localState.get(key);
  }

  /** Copies of all values that were set, by their keys. */
  localStates(): Map<string, Uint8Array> {
    return this.#localState.all();
  }

  /** Sequence of the last frame accepted; accepted >= submitted >= flushed. */
  get accepted(): number {
    return this.#writer.accepted;
  }

  /** Sequence of the last frame handed to the operating system. */
  get submitted(): number {
    return this.#writer.submitted;
  }

  /** Sequence of the last frame that is on the device, as all before it are. */
  get flushed(): number {
    return this.#writer.flushed;
  }

  /** Why all writing has ended, if it has: `DLE_STORAGE_POISONED`. */
  get failure(): DleError | undefined {
    return this.#writer.failure;
  }

  /** Plain counters. */
  get counters(): { segments: number; bytes: number; flushes: number; frames: number } {
    const { space, rounds, accepted } = this.#writer;
    return { segments: space.segments, bytes: space.bytes, flushes: rounds, frames: accepted };
  }

  /**
   * Takes the batch over: its bytes must never change again. Returns the sequence of the frame that
   * will hold the last of it. Throws `DLE_DISK_FULL` (retryable), `DLE_STORAGE_POISONED`,
   * `DLE_CLOSED`; nothing of it was accepted then.
   */
  append(batch: EntryBatch, options: AppendOptions = {}): number {
    this.checkWritable();
    const { entries } = this;
    const first = batch.firstIndex;
    const truncates = first <= entries.lastIndex;
    assert(!truncates || options.replaces === true, `entry ${first} after ${entries.lastIndex}`);
    assert(
      first > entries.commit && first <= entries.lastIndex + 1,
      `entry ${first} in a log that ends at ${entries.lastIndex}`,
    );
    assert(batch.termAt(first) >= entries.termAt(first - 1), `the term falls at entry ${first}`);
    const placements = this.#writer.accept({
      pieces: { count: batch.count, bytesOf: (piece) => batch.bytesAt(first + piece) },
      bytesOf: (from, to) => batch.slice(first + from, first + to - 1).bytes,
      replacesFrom: truncates ? first : 0,
      clean: false,
      sharesFrame: true,
      durable: options.durable !== false,
      behind: RoomBehind.records,
    });
    if (truncates) entries.truncate(first, this.#writer.accepted);
    for (const { fromPiece, toPiece, segment, offset } of placements) {
      entries.place(batch, first + fromPiece, first + toPiece - 1, segment.id, offset);
    }
    if (this.#keepsEntries) entries.keep(batch);
    this.#idle.touch();
    return this.#writer.accepted;
  }

  /**
   * Takes the space for appends of up to `bytes` in all, and a little local state, in advance: for
   * who must not fail later. Throws `DLE_DISK_FULL` (retryable; nothing has changed),
   * `DLE_STORAGE_POISONED`, `DLE_CLOSED`.
   */
  reserve(bytes: number): void {
    this.checkWritable();
    this.#writer.space.reserve(bytes, this.#localState.bytes);
  }

  /**
   * Sets what is kept for this directory alone, in the same ordered stream, with the same errors.
   */
  setLocalState(key: string, value: Uint8Array): number {
    this.checkWritable();
    const record = encodeLocalState(key, value);
    this.#localState.checkRoom(key, record);
    this.#writer.accept(ownFrame(record, RoomBehind.records));
    this.#localState.set(key, record);
    this.#idle.touch();
    return this.#writer.accepted;
  }

  /** Travels in the header of the next frame. A lower one than before is ignored. */
  setCommit(index: number): void {
    assert(index <= this.lastIndex, `commit ${index} in a log that ends at ${this.lastIndex}`);
    if (index <= this.entries.commit) return;
    this.entries.setCommit(index);
    this.#idle.touch();
  }

  /** Throws `DLE_CLOSED` or `DLE_STORAGE_POISONED` (effect none) if nothing is taken any more. */
  checkWritable(): void {
    if (this.#closed !== undefined) throw new DleError('DLE_CLOSED', 'the log is closed');
    const { failure } = this.#writer;
    if (failure === undefined) return;
    throw new DleError('DLE_STORAGE_POISONED', failure.message, { cause: failure.cause });
  }

  /** Ends all writing: whoever keeps what the entries say could not take one in. */
  fail(thrown: unknown): void {
    this.#writer.fail(thrown);
  }

  /** Has the end of this turn call `gather`, and write. */
  schedule(): void {
    this.#writer.schedule();
  }

  /** Calls `listener` with `flushed` whenever it has risen; returns a function that ends it. */
  onFlushed(listener: (sequence: number) => void): () => void {
    return this.#writer.onFlushed.add(listener);
  }

  /** Calls `listener` with `submitted` whenever it has risen; returns a function that ends it. */
  onSubmitted(listener: (sequence: number) => void): () => void {
    return this.#writer.onSubmitted.add(listener);
  }

  /**
   * Calls `listener` when a segment is flushed, its successor begun, and nothing more is added to
   * it; returns a function that ends it.
   */
  onSealed(listener: (segment: SealedSegment) => void): () => void {
    this.#stopNoting();
    return this.#writer.onSealed.add(listener);
  }

  /** Id of the segment that is being written; `undefined` until the next write begins one. */
  get activeSegment(): number | undefined {
    return this.#writer.space.segment?.id;
  }

  /** The frame that the newest segment begins with; 0 if none has begun since the start. */
  get rolledAt(): number {
    return this.#writer.rolledAt;
  }

  /** The segments: those that are not written here may have come, or gone. */
  get space(): SegmentAccounts {
    return this.#writer.space;
  }

  /**
   * Seals the segment that is being written, and begins the next one. Rejects with `DLE_DISK_FULL`
   * (retryable; nothing has changed), `DLE_STORAGE_POISONED`, `DLE_CLOSED`.
   */
  async rollOver(): Promise<void> {
    this.checkWritable();
    this.#writer.space.endSegment();
    this.#idle.append(false);
    await this.#writer.whenFlushed(this.#writer.accepted);
  }

  /** Id of the last segment that anything has been placed in; 0 if there is none. */
  get lastSegment(): number {
    return this.#writer.lastSegment;
  }

  /**
   * Segments that were sealed when the log was opened, and that nobody has vouched for; and those
   * that have been sealed since, until somebody listens to `onSealed`.
   */
  get unvouched(): readonly SealedSegment[] {
    return this.#unvouched;
  }

  /** Calls `listener` if a write or a flush fails, which ends all writing; returns who ends that. */
  onFailed(listener: (error: DleError) => void): () => void {
    return this.#writer.onFailed.add(listener);
  }

  /**
   * Resolves when frame `sequence` is flushed, which it asks for. Rejects with
   * `DLE_STORAGE_POISONED`.
   */
  whenFlushed(sequence: number): Promise<void> {
    assert(sequence <= this.accepted, `frame ${sequence} has not been accepted`);
    return this.#writer.whenFlushed(sequence);
  }

  /**
   * The entries `fromIndex` to `toIndex`, both included, as they are at the time of the call,
   * flushed or not. At once where the tail cache holds them, else from the files, verified:
   * `DLE_CORRUPT`, `DLE_IO`. `DLE_INVALID_ARGUMENT` outside the log, or for more than 64 MiB.
   */
  read(fromIndex: number, toIndex: number): EntryBatch | Promise<EntryBatch> {
    return this.entries.read(fromIndex, toIndex);
  }

  /** Indexes of the entries in the log that hold an opaque record, rising. */
  opaqueIndexes(): readonly number[] {
    return this.entries.opaqueIndexes;
  }

  /** Forgets where the entries below `index` lie: they can no longer be read by index. */
  releaseEntriesBelow(index: number): void {
    this.entries.releaseBelow(index);
  }

  /**
   * Writes and flushes what was accepted, and a frame that says so; frees the directory. A log that
   * is poisoned, or on a full disk, is closed as it is. Idempotent.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #begin(recovered: Recovered): Promise<void> {
    if (recovered.storeId !== undefined) {
      // After an unclean stop the first idle frame says that what was recovered is flushed.
      if (!this.#idle.areUpToDate) this.#idle.touch();
      return;
    }
    try {
      this.#idle.append(false);
      await this.#writer.whenFlushed(this.#writer.accepted);
    } catch (thrown) {
      await this.#writer.close();
      throw thrown;
    }
  }

  #close(): Promise<void> {
    this.#idle.stop();
    return closeAll(
      () => this.#markClosed(),
      () => this.#writer.close(),
      () => this.#files.close(),
      () => this.#lock.release(),
    );
  }

  async #markClosed(): Promise<void> {
    try {
      await this.#writer.whenFlushed(this.#writer.accepted);
      if (!this.#idle.isClosed) this.#idle.append(true);
      await this.#writer.whenFlushed(this.#writer.accepted);
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_DISK_FULL', 'DLE_STORAGE_POISONED')) throw thrown;
    }
  }
}
