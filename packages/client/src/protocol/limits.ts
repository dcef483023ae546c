/**
 * Most bytes of pairs a client may ask for in one page of a dump. With one pair of the largest size on
 * top it still fits a frame that clients accept.
 */
export const MAX_DUMP_PAGE_BYTES: number = 4 * 1024 * 1024;

/** Longest cursor of a dump, in characters: room for an id, an index and a counter. */
export const MAX_CURSOR_LENGTH = 256;

/**
 * Largest body (control and raw) of a frame from a client, in bytes: a put of the longest key and value with
 * room to spare.
 */
export const MAX_CLIENT_FRAME_BYTES: number = 16 * 1024 * 1024;
