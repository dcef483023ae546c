import { type Clock, DleError, type Random } from '@dle/common';
import { MAX_IDLE_FLUSH_MS, MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES } from '../limits.js';
import type { Vfs } from '../vfs/vfs.js';
import type { DeadExtent } from './dead-extents.js';
import type { LogEntries } from './log-entries.js';
import type { SealedSegment } from './log-writer.js';
import type { SegmentHeader } from './segment-header.js';

export interface LogComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly random: Random;
}

export interface LogOptions {
  readonly directory: string;
  /** Of a store that is made, 32 hexadecimal digits: it has the place of another. Default: drawn. */
  readonly storeId?: string | undefined;
  /** Id of a segment that is known to have been begun; default 0: of none is. */
  readonly reachesSegment?: number | undefined;
  /** Bytes of a segment file, 4 KiB to 1 GiB; default 64 MiB. */
  readonly segmentSize?: number | undefined;
  /** Of the next one, at most as many; asked when it is made. Default: as many. */
  readonly nextSegmentBytes?: (() => number) | undefined;
  /** After how long without a write the log says on disk that all of it is flushed. Default 100. */
  readonly idleFlushMs?: number | undefined;
  /**
   * Memory for the newest entries in bytes; what is not yet written is held in any case. Default 32
   * MiB.
   */
  readonly tailCacheBytes?: number | undefined;
}

/** The end of a sealed segment, from which a log can go on without having read it. */
export interface SegmentEnd {
  readonly segment: number;
  /** Its last frame, which is flushed, and the checksum by which the next one names it. */
  readonly lastSequence: number;
  readonly lastChecksum: number;
  /** Index and term of the last entry in it; 0 if it holds none. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The highest commit index that its frames know of. */
  readonly commit: number;
  /** Where its frames end. */
  readonly end: number;
  /** The size of its file. */
  readonly segmentBytes: number;
  /** Of the store it belongs to. */
  readonly storeId: string;
}

/** Segments of the log, one after the other, that are gone: what counted of them lies elsewhere. */
export interface LogGap {
  readonly firstSegment: number;
  /** Of the first one: what it followed on. */
  readonly header: SegmentHeader;
  /** Of the last one: where the log goes on. */
  readonly end: SegmentEnd;
}

/** What is known of a log before any of it is read. */
export interface LogBase {
  /** What of it is gone. */
  readonly gaps: readonly LogGap[];
  /** Above the ids of all segments that there have been. */
  readonly nextId: number;
  /** Up to where its entries have been given up. */
  readonly floor?: LogBaseFloor | undefined;
}

export interface LogBaseFloor {
  /** 0: none have been. */
  readonly index: number;
  readonly term: number;
  /** Entries up to there were on the device, and applied: they are committed. */
  readonly applied: number;
  /** Where replaced entries lie, as far as it was known then. */
  readonly dead: readonly DeadExtent[];
}

export interface LogObservers {
  /** The directory is locked, and nothing has been read yet: tidies up, and says what is known. */
  readonly locked?: () => Promise<LogBase>;
  /** Whether entries are read from the log once they are written; they stay in memory for it. */
  readonly readsEntries?: boolean;
  /**
   * Whoever keeps state of its own may vouch for a sealed segment, of which it can take in all that
   * counts: recovery does not read it then, and its entries are not in the log.
   */
  readonly endOf?: (segment: number) => Promise<SegmentEnd | undefined>;
  /**
   * Reads a sealed segment for which nobody vouches, whole, so that what counts of it can be taken
   * in as that of the others; `undefined` if it is not whole. `flushed`: the last frame that its
   * frames know to be flushed.
   */
  readonly readSealed?: (
    segment: SealedSegment,
  ) => Promise<{ readonly end: SegmentEnd; readonly flushed: number } | undefined>;
  /**
   * Those were accepted, in order, those of gaps among them: what they hold is to be taken in now,
   * before the entries behind them are read.
   */
  readonly restore?: (ends: readonly SegmentEnd[]) => Promise<void>;
  /**
   * Recovery has read on: whoever keeps state of its own takes in, by `entries.visit`, what is new
   * while it is at hand. What it throws ends recovery.
   */
  readonly recovered?: (entries: LogEntries) => void;
  /** The turn ends and the log is about to write: append what has been gathered. Must not throw. */
  readonly gather?: () => void;
}

export interface AppendOptions {
  /**
   * The batch may begin below the last index plus one, and replaces the entries from there on.
   * Default false.
   */
  readonly replaces?: boolean;
  /**
   * Flush it as soon as possible (default), or with what is flushed next, at the latest when idle.
   */
  readonly durable?: boolean;
}

/** Throws `DLE_INVALID_ARGUMENT`. */
export function checkOptions({ segmentSize, idleFlushMs, tailCacheBytes }: LogOptions): void {
  checkRange('segmentSize', segmentSize, MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
  checkRange('idleFlushMs', idleFlushMs, 1, MAX_IDLE_FLUSH_MS);
  checkRange('tailCacheBytes', tailCacheBytes, 0, Number.MAX_SAFE_INTEGER);
}

function checkRange(
  name: string,
  value: number | undefined,
  lowest: number,
  highest: number,
): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && value >= lowest && value <= highest) return;
  const message = `${name} is a whole number from ${lowest} to ${highest}, not ${value}`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}
