import type { RecordView } from '../log/record.js';

/** Lets others have the thread for a moment; nothing where there are none. */
export type Pause = () => Promise<void> | undefined;

/** What the header of a directory says of its blocks. */
export interface DirectoryCounts {
  readonly keys: number;
  readonly tombstones: number;
  readonly blocks: number;
  readonly fences: number;
}

/** What a frame was found to hold. */
export interface FrameEntries {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly records: number;
}

/** The newest record of every key in a segment; here (`SegmentKeys`), or in C (`NativeKeys`). */
export interface DirectoryKeys {
  /** Number of keys; after `sort`. */
  readonly size: number;
  /**
   * Verifies the records of a frame, which begin at `offset` of the segment, and adds them all;
   * `undefined`, and nothing was added: they are to be decoded, and added one by one.
   */
  addFrame(records: Uint8Array, offset: number): FrameEntries | undefined;
  /** Adds a record; a later one of the same key replaces it. */
  add(record: RecordView, offset: number): void;
  /** Sorts by key, bytewise, and leaves only the newest of each. */
  sort(pause: Pause): Promise<void>;
  /**
   * The blocks of the directory of `segment`, those of fences last; each is good until the next is
   * asked for. No index is lower than `firstIndex`. The same keys always make the same bytes.
   */
  blocks(segment: number, firstIndex: number): Generator<Uint8Array, DirectoryCounts>;
  /** They are not needed any more. */
  release(): void;
}
