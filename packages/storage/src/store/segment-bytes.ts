/**
 * A segment is as large as a part of what counts in the store, so that what cannot be won back from
 * the one that is being written, what a job of compaction takes beside what it frees, and what is
 * set aside for it are a small part of the store, too. Twelve of them, for a store that grows to 64
 * MiB segments has then made no more than are merged in any case.
 */
const PART_OF_STORE = 12;
/** Smaller ones would be left too often: each costs some flushes. */
const LEAST_BYTES: number = 4 * 1024 * 1024;

/** Bytes of the next segment of a store in which `live` bytes count; at most `segmentSize`. */
export function segmentBytesFor(live: number, segmentSize: number): number {
  return Math.min(segmentSize, Math.max(LEAST_BYTES, Math.ceil(live / PART_OF_STORE)));
}
