import { type Clock, DleError, isDleError } from '@dle/common';
import type { Background, RunningCompaction } from '../background/background.js';
import type { Room } from '../store/room.js';
import { chooseInputs } from './choose-inputs.js';
import { isInputDamage } from './compaction-job.js';
import type { CompactionInput, CompactionOrder, CompactionOutcome } from './compaction-order.js';
import { GrowthRate } from './pace.js';
import { Scales, type ScalesComponents, type WeighedFile } from './scales.js';

/** How often, at most, it is looked whether there is anything to do: more files take longer. */
const CHECK_MS = 250;
const CHECK_MS_PER_FILE = 0.1;
/** After a job that could not be done. */
const RETRY_MS = 5_000;
/** While the disk is full; for the first time almost at once. */
const RETRY_FULL_MS = 1_000;
const FIRST_FULL_MS = 5;
/** Of the reserve: the rest is for key directories, the manifest, and deletes. */
const KEPT_PART_OF_RESERVE = 0.6;

/** Bytes read and written in a second, unless it is said otherwise. */
const DEFAULT_BYTES_PER_SECOND = 128 * 1024 * 1024;
/**
 * And more where the log grows faster: so many bytes for each that is written to it. Of files of
 * which two thirds count, five are read and written until there is room for one more.
 */
const BYTES_PER_LOG_BYTE = 10;
/** Where files are so many times larger than they should be, there is no bound but a stated one. */
const FAR_BEHIND = 1.03;

export interface CompactionProgress {
  /** Bytes of records that have been looked at, and those that will be, as far as is known. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CompactOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CompactionProgress) => void;
}

/** What has come of compaction since the store was opened. */
export interface CompactionCounters {
  /** Jobs that have been done to their ends. */
  jobs: number;
  /** Jobs that could not be: a full disk, a damaged file. */
  failed: number;
  /** Records that were left out. */
  dropped: number;
  bytesRead: number;
  bytesWritten: number;
  /** Bytes of the files that were unlinked. */
  bytesFreed: number;
}

export interface CompactorComponents extends ScalesComponents {
  readonly clock: Clock;
  readonly background: Background;
  /** Told what it has met in the files that it reads. */
  readonly onDamage: (thrown: unknown) => void;
}

export interface CompactorOptions {
  readonly directory: string;
  /** Bytes of a segment now. */
  readonly segmentBytes: () => number;
  readonly automatic: boolean;
  /** `undefined`: as is good, more where much is to be won. */
  readonly bytesPerSecond: number | undefined;
}

/**
 * Wins back the space of records that do not count any more: chooses files, has what counts in them
 * rewritten in the background, decides what counts, and has the files unlinked when nothing in them
 * does. One job at a time.
 */
export class Compactor implements Room {
  readonly counters: CompactionCounters;
  readonly #components: CompactorComponents;
  readonly #options: CompactorOptions;
  readonly #scales: Scales;
  readonly #logGrowth: GrowthRate;
  #job: Promise<unknown> | undefined;
  #running: RunningCompaction | undefined;
  #cancelTimer: (() => void) | undefined;
  /** When it is looked next. */
  #due = Number.POSITIVE_INFINITY;
  #notBefore = 0;
  /** There was no room for something, and the reserve has not been set aside since. */
  #isFull = false;
  #closed = false;

  constructor(components: CompactorComponents, options: CompactorOptions) {
    this.#components = components;
    this.#options = options;
    this.#scales = new Scales(components);
    this.counters = components.installer.counters;
    this.#logGrowth = new GrowthRate(components.clock, this.#logBytes);
    components.directories.onBuilt.add(() => {
      this.#takeReserve();
      // What could not be chosen before may have been missed.
      this.touch(0);
    });
    components.directories.onRemade.add((id) => {
      this.#scales.trust(id);
      this.touch();
    });
    components.log.onFlushed(() => this.touch());
    this.#takeReserve();
    this.touch();
  }

  /** Whether a job is under way. */
  get isRunning(): boolean {
    return this.#job !== undefined;
  }

  isSpent(bytes: number, isDelete: boolean): boolean {
    const { reserve } = this.#components;
    return isDelete ? !reserve.hasRoomForDeletes : reserve.lacksRoomFor(bytes);
  }

  makeForDeletes(): boolean {
    const released = this.#components.reserve.release();
    this.make();
    return released;
  }

  make(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#watch(FIRST_FULL_MS);
  }

  /** Something has changed: looks soon whether there is anything to do. */
  touch(withinMs: number = CHECK_MS): void {
    const { files } = this.#components.catalog;
    const delayMs = withinMs + files.length * CHECK_MS_PER_FILE;
    if (this.#options.automatic || this.#isFull) this.#watch(delayMs);
  }

  /** Looks when that time has passed, if not before. */
  #watch(delayMs: number): void {
    const { clock } = this.#components;
    const due = clock.now() + delayMs;
    if (this.#closed || due >= this.#due) return;
    this.#cancelTimer?.();
    this.#due = due;
    this.#cancelTimer = clock.setTimer(() => {
      this.#due = Number.POSITIVE_INFINITY;
      this.#checkNow();
    }, delayMs);
  }

  /**
   * Rewrites all that can be: what is sealed becomes one sorted run that holds nothing but what
   * counts. Resolves when the space is given back, but for files that somebody holds. Rejects with
   * `DLE_DISK_FULL`, `DLE_CORRUPT`, `DLE_IO`, `DLE_STORAGE_POISONED`, `DLE_CLOSED`, or the reason of
   * `signal`; what was done by then stays done.
   */
  async compact(options: CompactOptions = {}): Promise<void> {
    const { background, directories, log } = this.#components;
    const { signal } = options;
    signal?.throwIfAborted();
    // What is not sealed cannot be rewritten, nor what has no key directory.
    const { retention } = this.#components;
    if (this.#lastMayHoldRecords() && retention.coversAll()) await log.rollOver();
    else await log.whenFlushed(log.accepted);
    directories.make();
    await directories.idle();
    // What becomes of another job is told to who has asked for it.
    while (this.#job !== undefined) await background.hold(this.#job.catch(() => undefined));
    signal?.throwIfAborted();
    await background.hold(this.#begin(() => this.#compactAll(options)));
    signal?.throwIfAborted();
  }

  /** Ends a job that is under way; what it has finished stays. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#running?.stop();
    const { background, reserve } = this.#components;
    if (this.#job !== undefined) await background.hold(this.#job.catch(() => undefined));
    await reserve.idle();
  }

  /** One job at a time. */
  #begin(work: () => Promise<unknown>): Promise<unknown> {
    const job = work().finally(() => {
      this.#job = undefined;
      this.#running = undefined;
    });
    this.#job = job;
    return job;
  }

  #checkNow(): void {
    const { clock, log } = this.#components;
    if (this.#job !== undefined || this.#closed || log.failure !== undefined) return;
    if (clock.now() < this.#notBefore) {
      this.touch();
      return;
    }
    if (this.#isFull) {
      this.#notBefore = clock.now() + RETRY_FULL_MS;
      void this.#begin(() => this.#makeRoom()).then(
        () => this.touch(),
        () => this.touch(),
      );
      return;
    }
    // The floor may have risen since the last directory was made.
    this.#takeReserve();
    const files = this.#scales.weighAll();
    const chosen = this.#choose(files);
    if (chosen.length === 0) return;
    const pace = this.#paceFor(files);
    void this.#begin(() => this.#run(chosen, pace)).then(
      // More may have become due meanwhile.
      () => this.#watch(0),
      (thrown: unknown) => {
        if (isDleError(thrown, 'DLE_DISK_FULL')) this.make();
        else this.#notBefore = clock.now() + RETRY_MS;
        this.touch();
      },
    );
  }

  #choose(files: readonly WeighedFile[]): WeighedFile[] {
    const { reserve } = this.#components;
    const room = (): number => reserve.forCompaction * KEPT_PART_OF_RESERVE;
    return chooseInputs(files, {
      segmentBytes: this.#options.segmentBytes(),
      maxKeptBytes: this.#isFull ? room() : Number.MAX_SAFE_INTEGER,
      spaceRatio: this.#scales.spaceRatio(),
      isUrgent: this.#isFull,
    });
  }

  /**
   * The disk is full: uses what was set aside to win back what can be, a little at a time, until it
   * can be set aside again.
   */
  async #makeRoom(): Promise<void> {
    const { directories, reserve } = this.#components;
    // Somebody else may have made room.
    if (!reserve.isHeld && (await reserve.restore())) {
      this.#isFull = false;
      return;
    }
    for (let wins = this.#options.automatic; wins; ) {
      const files = this.#scales.weighAll();
      const chosen = this.#choose(files);
      if (chosen.length === 0) break;
      if (chosen.some(({ isSpent }) => !isSpent)) reserve.release();
      const { bytesFreed } = this.counters;
      await this.#run(chosen, this.#paceFor(files));
      wins = this.counters.bytesFreed > bytesFreed && !this.#closed && !(await reserve.restore());
    }
    // What has found no room for its key directory could not be chosen.
    if (directories.missing.length > 0) {
      reserve.release();
      directories.make();
      await directories.idle();
    }
    this.#isFull = !(await reserve.restore());
  }

  /** There is something to compact: sets room aside for when there is none left. */
  #takeReserve(): void {
    const { catalog, reserve, retention } = this.#components;
    if (this.#closed || reserve.isRight || this.#isFull) return;
    if (!catalog.files.some((file) => retention.covers(file))) return;
    void reserve.restore();
  }

  async #compactAll(options: CompactOptions): Promise<void> {
    // Who has done a part of it may have been ended by the close of the store, or be gone himself.
    for (let isDone = false; !isDone; ) {
      if (this.#closed) throw closedError();
      const files = this.#scales.weighAll();
      isDone = isTidy(files) || (await this.#run(files, this.#paceFor(files), options));
      options.signal?.throwIfAborted();
    }
  }

  /** Does one job; returns whether it has come to its end. */
  async #run(
    inputs: readonly WeighedFile[],
    bytesPerSecond: number,
    options: CompactOptions = {},
  ): Promise<boolean> {
    const { installer, relocation, background } = this.#components;
    if (this.#closed) throw closedError();
    try {
      // What counts nothing at all need not be looked at.
      const spent = inputs.filter(({ isSpent }) => isSpent);
      const rewritten = inputs.filter(({ isSpent }) => !isSpent);
      await installer.prepare();
      const spentRecords = spent.reduce((sum, { file }) => sum + file.header.keys, 0);
      if (rewritten.length === 0) {
        const files = spent.map(({ file }) => file);
        await installer.install(files, spentRecords);
        return true;
      }
      const order = this.#orderFor(rewritten, inputs, bytesPerSecond);
      const total = rewritten.reduce((sum, { recordBytes }) => sum + recordBytes, 0);
      const host = relocation.host(order.run, (doneBytes) =>
        options.onProgress?.({ doneBytes, totalBytes: Math.max(total, doneBytes) }),
      );
      const running = background.compact(order, host);
      this.#running = running;
      const outcome = await this.#outcomeOf(running, options.signal);
      this.counters.bytesRead += outcome.bytesRead;
      this.counters.bytesWritten += outcome.bytesWritten;
      const gone = outcome.complete ? inputs : spent;
      const dropped = outcome.dropped + spentRecords;
      const files = gone.map(({ file }) => file);
      await installer.install(files, dropped);
      if (outcome.complete) this.counters.jobs++;
      return outcome.complete;
    } catch (thrown) {
      this.counters.failed++;
      if (isInputDamage(thrown)) {
        this.#scales.noteDamage(String(DleError.from(thrown).details?.file ?? ''));
        this.#components.onDamage(thrown);
      }
      throw thrown;
    } finally {
      relocation.releaseUnused();
    }
  }

  /** Of the job that runs; `signal` ends it. */
  async #outcomeOf(
    running: RunningCompaction,
    signal: AbortSignal | undefined,
  ): Promise<CompactionOutcome> {
    const stop = (): void => running.stop();
    if (signal?.aborted === true || this.#closed) stop();
    signal?.addEventListener('abort', stop);
    try {
      return await running.done;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /**
   * Who overwrites faster than is won back would else have the disk fill up. The reads beside it
   * are not much slower for that: it is a thread of its own that works.
   */
  #paceFor(files: readonly WeighedFile[]): number {
    const { bytesPerSecond } = this.#options;
    if (bytesPerSecond !== undefined) return bytesPerSecond;
    const sum = (of: (file: WeighedFile) => number): number =>
      files.reduce((total, file) => total + of(file), 0);
    const wanted = sum(({ keep }) => keep) * this.#scales.spaceRatio();
    const growth = this.#logGrowth.look(this.#logBytes);
    if (sum(({ bytes }) => bytes) > wanted * FAR_BEHIND) return 0;
    return Math.max(DEFAULT_BYTES_PER_SECOND, growth * BYTES_PER_LOG_BYTE);
  }

  /** What has ever come into the log, give or take what was there when it was opened. */
  get #logBytes(): number {
    const { bytesFreed, bytesWritten } = this.counters;
    return this.#components.log.counters.bytes + bytesFreed - bytesWritten;
  }

  #orderFor(
    rewritten: readonly WeighedFile[],
    inputs: readonly WeighedFile[],
    bytesPerSecond: number,
  ): CompactionOrder {
    const { catalog, relocation, installer } = this.#components;
    const leaving = new Set(inputs.map(({ id }) => id));
    // Tens of thousands take milliseconds to be sent: where nothing was deleted, nobody asks.
    const hasDeletes = rewritten.some(({ file }) => file.header.tombstones > 0);
    const others = catalog.files
      .filter(({ id }) => hasDeletes && !leaving.has(id) && !this.#scales.isDamaged(id))
      .map(({ id, header }) => ({ id, firstIndex: header.firstIndex }));
    const run = installer.nextRun;
    return {
      directory: this.#options.directory,
      storeId: this.#components.log.storeId,
      inputs: rewritten.map(inputOf).sort((a, b) => a.id - b.id),
      others,
      keepTombstones: this.#scales.hasUnknownKeys(),
      run,
      segmentBytes: this.#options.segmentBytes(),
      seed: relocation.seed,
      bytesPerSecond,
    };
  }

  /** Whether there are records that no sealed segment holds. */
  #lastMayHoldRecords(): boolean {
    const { log, keys } = this.#components;
    const { lastSegment, activeSegment } = log;
    // One that was found at the start, and is not written to, may have been taken in as sealed.
    return lastSegment > 0 && (activeSegment === undefined || keys.end.segment === lastSegment);
  }
}

/** Whether there is one sorted run at most, and all in it counts. */
function isTidy(files: readonly WeighedFile[]): boolean {
  return files.every(
    ({ kind, run, keep, recordBytes }) =>
      kind === 'sorted' && run === files[0]!.run && keep === recordBytes,
  );
}

function inputOf({ id, kind, run, slot, file }: WeighedFile): CompactionInput {
  return { id, kind, run, slot, firstIndex: file.header.firstIndex };
}

function closedError(): DleError {
  return new DleError('DLE_CLOSED', 'the store is closed');
}
