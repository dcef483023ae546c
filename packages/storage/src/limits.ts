/** Most records in one entry: a batch of that many keys is one atomic write. */
export const MAX_ENTRY_RECORDS = 65_536;

/**
 * Largest entry, and largest run of entries handled in one piece, in bytes with all headers. One
 * such run must fit into one frame on the wire and be held in memory a few times at once.
 */
export const MAX_BATCH_BYTES: number = 64 * 1024 * 1024;

/**
 * Bounds of the segment size in bytes; offsets in a segment are 32-bit numbers with room to spare.
 */
export const MIN_SEGMENT_BYTES = 4_096;
export const MAX_SEGMENT_BYTES: number = 1024 * 1024 * 1024;
export const DEFAULT_SEGMENT_BYTES: number = 64 * 1024 * 1024;

/** Most segments of a log: an entry of the index has 16 bits for which one a record lies in. */
export const MAX_SEGMENTS = 65_536;

/**
 * Largest local state of a log, all its records together: it is repeated at the head of every
 * segment.
 */
export const MAX_LOCAL_STATE_BYTES: number = 64 * 1024;

/** Largest state that consensus leaves with a floor: it is written with every manifest. */
export const MAX_FLOOR_STATE_BYTES: number = 64 * 1024;

/** How long a log must have been idle before it says on disk that all of it is flushed. */
export const DEFAULT_IDLE_FLUSH_MS = 100;
export const MAX_IDLE_FLUSH_MS = 60_000;

/** Memory for the newest entries, so that followers, and apply, read them without the disk. */
export const DEFAULT_TAIL_CACHE_BYTES: number = 32 * 1024 * 1024;
