/**
 * Most bytes of pairs a client may ask for in one page of a dump: enough to keep the wire busy
 * between two.
 */
export const MAX_DUMP_PAGE_BYTES: number = 4 * 1024 * 1024;

/** Longest cursor of a dump, in characters: room for an id, an index and a counter. */
export const MAX_CURSOR_LENGTH = 256;
