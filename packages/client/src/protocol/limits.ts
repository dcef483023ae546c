/**
 * Most bytes of pairs a client may ask for in one page of a dump: enough to keep the wire busy
 * between two.
 */
export const MAX_DUMP_PAGE_BYTES: number = 4 * 1024 * 1024;

/** Longest cursor of a dump, in characters: room for an id, an index and a counter. */
export const MAX_CURSOR_LENGTH = 256;

/** Largest id of a node: it must fit wherever ids go, and be easy to read out. */
export const MAX_NODE_ID = 0xffff_ffff;

/** Longest `host:port`, in characters: a host name has at most 253. */
export const MAX_ADDRESS_LENGTH = 262;
