/**
 * Longest key in bytes. Keys live in the index of every node and are compared on every read; four
 * kilobytes is one page, twice what etcd's users put there in practice.
 */
export const MAX_KEY_BYTES = 4_096;

/**
 * Longest value in bytes. One value must cross the network well within an election timeout, and be
 * held in memory a few times at once; larger things belong in an object store.
 */
export const MAX_VALUE_BYTES: number = 8 * 1024 * 1024;
