import type { BytesLike } from '../store/types.js';

/**
 * Which keys, in bytewise order: of two that begin alike the shorter one comes first. What is left
 * out sets no bound; `gte` counts before `gt`, and `lte` before `lt`.
 */
export interface KeyRange {
  /** Keys above this one. */
  readonly gt?: BytesLike | undefined;
  /** This one and those above it. */
  readonly gte?: BytesLike | undefined;
  /** Keys below this one. */
  readonly lt?: BytesLike | undefined;
  /** This one and those below it. */
  readonly lte?: BytesLike | undefined;
  /** From the highest to the lowest. Default false. */
  readonly reverse?: boolean | undefined;
  /** At most so many, those that come first. Default, and -1: all. */
  readonly limit?: number | undefined;
}

export interface ReadOptions {
  /** Read the store as it was when this was taken. Default: as it is at the call. */
  readonly snapshot?: Snapshot | undefined;
}

export interface IteratorOptions extends KeyRange, ReadOptions {
  /** Ends it: what is pending, and what is asked of it from then on, rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ClearOptions extends KeyRange, ReadOptions {
  /** Ends it between two pages: rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The store as it was when it was taken, for as long as it is held: whatever is written or
 * compacted meanwhile. It costs nothing to take; but while it is held, files that compaction has
 * replaced are not given back (`stats().snapshots`). One that is forgotten is closed when it is
 * collected.
 */
export interface Snapshot extends Disposable, AsyncDisposable {
  /** Of the last entry that it reflects. */
  readonly index: number;
  /** Nothing more is read from it; iterators that were taken from it go on. Idempotent. */
  close(): void;
}

/** What snapshots there are, and what they cost. */
export interface SnapshotStats {
  /** Explicit ones that are not closed. */
  readonly count: number;
  /** For how long the oldest of them has been held; 0 if there is none. */
  readonly oldestAgeMs: number;
  /**
   * Bytes of the files that would have been given back, but for snapshots and iterators that need
   * them.
   */
  readonly pinnedBytes: number;
}
