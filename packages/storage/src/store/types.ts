import type { Clock, Random } from '@dle/common';
import type { CompactionCounters } from '../compaction/compactor.js';
import type { Damage, DirectoryCounters } from '../directory/directories.js';
import type { SnapshotStats } from '../ordered/types.js';
import type { FoundDamage } from '../scrub/found-damage.js';
import type { ScrubCounters } from '../scrub/scrubber.js';
import type { Vfs } from '../vfs/vfs.js';

/** A string is taken as UTF-8. */
export type BytesLike = Uint8Array | string;

/**
 * - `flush` (default): resolved, and visible, when it is on the device.
 * - `none`: resolved, and visible, when it is in the page cache. A crash of the process loses
 *   nothing, one
 *   of the machine may lose the last moments. Flushed when idle, when a segment is full, at close.
 */
export type Durability = 'flush' | 'none';

export interface LogStoreOptions {
  /**
   * Bytes of a segment file at most, 4 KiB to 1 GiB; default 64 MiB. A small store that is
   * overwritten makes smaller ones, of a sixteenth of what counts, but not below 4 MiB.
   */
  readonly segmentSize?: number;
  /** Of writes that do not say otherwise. Default `flush`. */
  readonly durability?: Durability;
  /** Writes come through `log` and `apply` only, as consensus orders them. Default false. */
  readonly replicated?: boolean;
  /**
   * Id of a segment of the log that is known to have been begun, as `log.onSealed` tells of the one
   * before: a log that ends earlier has lost its end, which does not show from what is left of it,
   * and is refused with `DLE_CORRUPT`. Default: nothing is known.
   */
  readonly reachesSegment?: number;
  /**
   * Memory for the newest entries of the log in bytes, where replication reads them; default 32
   * MiB.
   */
  readonly tailCacheBytes?: number;
  readonly compaction?: CompactionOptions;
  readonly scrub?: ScrubbingOptions;
  /** After how long without a write the log says on disk that all is flushed; default 100. */
  readonly idleFlushMs?: number;
}

/** Compaction wins back the space of records that have been overwritten or deleted. */
export interface CompactionOptions {
  /** Whether it happens by itself; `compact()` does it in any case. Default true. */
  readonly automatic?: boolean;
  /**
   * Bytes that it may read and write in a second, so that reads and writes beside it are served; 0:
   * as many as it can. Default 128 MiB, or ten times what is written to the log if that is more; or
   * as many as it can where files are far larger than they should be for what counts in them.
   */
  readonly bytesPerSecond?: number;
}

/** Scrubbing reads everything that is sealed, to find what has rotted before a read needs it. */
export interface ScrubbingOptions {
  /** Whether it happens by itself; `scrub()` does it in any case. Default true. */
  readonly automatic?: boolean;
  /**
   * Bytes that it reads in a second; 0: as many as it can. Default: as many as it takes to read all
   * of the store once a day, which is 12 MB for a terabyte.
   */
  readonly bytesPerSecond?: number;
}

export interface LogStoreComponents {
  readonly vfs?: Vfs;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface WriteOptions {
  readonly durability?: Durability;
}

export type BatchOperation =
  | { readonly type: 'put'; readonly key: BytesLike; readonly value: BytesLike }
  | { readonly type: 'del'; readonly key: BytesLike };

export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** The store as it was at `index`; writes go on beside it. */
export interface KeySnapshot {
  readonly index: number;
  /** Number of keys. */
  readonly size: number;
  /**
   * The next pairs, until they hold `maxBytes` bytes of keys and values; at least one.
   * An empty array at the end. No particular order. Throws `DLE_CORRUPT`, `DLE_IO`, `DLE_CLOSED`.
   */
  next(maxBytes: number): Pair[];
  /** Frees it. Idempotent. */
  close(): void;
}

export interface VerifyReport {
  readonly files: number;
  readonly bytes: number;
  readonly records: number;
  /** Empty: all is well. */
  readonly damage: readonly Damage[];
  /**
   * What has changed, and nothing depends on: the rest of a write that a crash has torn, or a key
   * directory that was found damaged when the store was opened, and has been made again.
   */
  readonly harmless: readonly Damage[];
}

export interface LogStoreStats {
  readonly keys: number;
  /**
   * Bytes of memory that the index of the keys uses, off the collected heap; up to 4 MiB more are
   * set aside for its growth.
   */
  readonly indexBytes: number;
  readonly directories: Readonly<DirectoryCounters>;
  readonly compaction: Readonly<CompactionCounters>;
  /** Runs of segments that compaction has sorted: at most 16, but for the while it takes. */
  readonly sortedRuns: number;
  /** Bytes of the newest records of all keys, headers included. */
  readonly liveBytes: number;
  readonly snapshots: SnapshotStats;
  readonly scrub: Readonly<ScrubCounters>;
  /** What is known to be damaged now; of more than 1,000 places the first ones. */
  readonly damage: readonly FoundDamage[];
  readonly segments: number;
  /** Bytes of all segment files, space taken in advance included. */
  readonly bytes: number;
  /** Flush rounds since it was opened. */
  readonly flushes: number;
  /** Frames in the log. */
  readonly frames: number;
  readonly lastIndex: number;
  readonly appliedIndex: number;
  readonly poisoned: boolean;
}
