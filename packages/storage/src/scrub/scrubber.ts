import { type Clock, DleError, isDleError } from '@dle/common';
import { directoryBytes } from '../directory/directory-format.js';
import type { FoundDamage } from './found-damage.js';
import { ReadPace } from './read-pace.js';
import { type ScrubProgress, ScrubRound, type ScrubRoundComponents } from './scrub-round.js';

/**
 * All of a store is read once in so long, unless it is said how fast: so often that rot is found
 * while other copies are whole, and little beside any work: 12 MB a second for a terabyte.
 */
const PERIOD_SECONDS = 86_400;
/** Before each round: of a store in which there is nothing to be read, too. */
const REST_MS = 3_600_000;

export interface ScrubOptions {
  readonly signal?: AbortSignal;
  /** Bytes read in a second, at most; 0, the default: as many as can be. */
  readonly bytesPerSecond?: number;
  /** After each file. */
  readonly onProgress?: (progress: ScrubProgress) => void;
}

export interface ScrubReport extends ScrubProgress {
  /** Empty: all is well. */
  readonly damage: readonly FoundDamage[];
}

/** What has been read since the store was opened. */
export interface ScrubCounters {
  /** Times that everything has been read. */
  rounds: number;
  files: number;
  bytes: number;
  /** Places at which damage was found, by whomever. */
  found: number;
}

export interface ScrubberComponents extends ScrubRoundComponents {
  readonly clock: Clock;
}

export interface ScrubberOptions {
  readonly directory: string;
  readonly automatic: boolean;
  /** `undefined`: so many that all is read in a day. */
  readonly bytesPerSecond: number | undefined;
}

/**
 * Reads everything that was flushed, time and again, slowly, to find what has rotted before
 * somebody needs it: while there are other copies.
 */
export class Scrubber {
  readonly #components: ScrubberComponents;
  readonly #options: ScrubberOptions;
  readonly #paces = new Set<ReadPace>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #read = { rounds: 0, files: 0, bytes: 0 };
  #closed = false;

  constructor(components: ScrubberComponents, options: ScrubberOptions) {
    this.#components = components;
    this.#options = options;
    if (options.automatic) void this.#track(this.#goOn());
  }

  get counters(): ScrubCounters {
    return { ...this.#read, found: this.#components.damages.found };
  }

  /** One round by hand. Rejects with `DLE_CLOSED`, `DLE_IO`, or the reason of `signal`. */
  async scrub({ signal, bytesPerSecond = 0, onProgress }: ScrubOptions): Promise<ScrubReport> {
    if (this.#closed) throw closedError();
    signal?.throwIfAborted();
    const pace = new ReadPace(this.#components.clock, () => bytesPerSecond);
    const stop = (): void => pace.end();
    signal?.addEventListener('abort', stop);
    try {
      return await this.#track(this.#round(pace, onProgress));
    } catch (thrown) {
      signal?.throwIfAborted();
      throw this.#closed && isDleError(thrown, 'DLE_ABORTED') ? closedError() : thrown;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const pace of this.#paces) pace.end();
    await Promise.allSettled(this.#running);
  }

  async #goOn(): Promise<void> {
    const { clock } = this.#components;
    const { bytesPerSecond } = this.#options;
    while (!this.#closed) {
      const pace = new ReadPace(clock, () => bytesPerSecond ?? this.#bytesPerSecond());
      this.#paces.add(pace);
      await pace.rest(REST_MS);
      // What has gone wrong beside damage is tried again in the next round.
      if (!this.#closed) await this.#round(pace).catch(() => undefined);
    }
  }

  async #round(
    pace: ReadPace,
    onProgress?: (progress: ScrubProgress) => void,
  ): Promise<ScrubReport> {
    const { directory } = this.#options;
    const round = new ScrubRound(this.#components, directory, pace);
    let before: ScrubProgress = { files: 0, bytes: 0 };
    this.#paces.add(pace);
    try {
      const damage = await round.run((progress) => {
        this.#read.files += progress.files - before.files;
        this.#read.bytes += progress.bytes - before.bytes;
        before = progress;
        onProgress?.(progress);
      });
      this.#read.rounds++;
      return { ...round.progress, damage };
    } finally {
      this.#paces.delete(pace);
    }
  }

  /** Of all there is to be read now. */
  #bytesPerSecond(): number {
    const { files } = this.#components.catalog;
    const bytes = files.reduce(
      (sum, { header }) => sum + header.segmentBytes + directoryBytes(header),
      0,
    );
    return Math.max(1, bytes / PERIOD_SECONDS);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    const done = (): void => {
      this.#running.delete(work);
    };
    work.then(done, done);
    return work;
  }
}

function closedError(): DleError {
  return new DleError('DLE_CLOSED', 'the store is closed');
}
