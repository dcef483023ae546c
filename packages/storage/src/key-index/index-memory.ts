import { PAGE_WORDS } from './index-page.js';

/** Memory comes in slabs of 4 MiB, which hold 63 pages: a store of a few keys touches one page. */
const SLAB_BYTES: number = 4 * 1024 * 1024;
export const SLAB_PAGES: number = Math.floor(SLAB_BYTES / (PAGE_WORDS * 4));

/** Pages of the first slab, as it grows: most stores are small. */
export const FIRST_SLAB_PAGES: readonly number[] = [1, 4, 16, SLAB_PAGES];

/** Where the index gets its memory: zeroed, off the heap that is collected. */
export interface IndexMemory {
  /** `SLAB_BYTES` more. */
  slab(): Uint32Array;
}

/** The system gives memory to its pages when they are first touched. */
export const plainMemory: IndexMemory = {
  slab: () => new Uint32Array(SLAB_BYTES / 4),
};
