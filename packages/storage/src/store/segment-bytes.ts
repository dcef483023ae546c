/** What a store is made of, in bytes. */
export interface StoreBytes {
  /** Of the records that count. */
  readonly live: number;
  /** Of all segments. */
  readonly segments: number;
}

/**
 * In a store that is overwritten, a segment is as large as a part of what counts: so what cannot be
 * won back from the one that is being written, and what a job of compaction takes beside what it
 * frees, are a small part of the store, too.
 */
const PART_OF_STORE = 16;
/** Smaller ones would be left too often: each costs some flushes. */
const LEAST_BYTES: number = 4 * 1024 * 1024;
/** Until so much of what counts does not any more, there is little to be won back. */
const PART_OVERWRITTEN = 1 / 8;

/** Bytes of the next segment; at most `segmentSize`. */
export function segmentBytesFor({ live, segments }: StoreBytes, segmentSize: number): number {
  if (segments - live <= live * PART_OVERWRITTEN) return segmentSize;
  return Math.min(segmentSize, Math.max(LEAST_BYTES, Math.ceil(live / PART_OF_STORE)));
}
