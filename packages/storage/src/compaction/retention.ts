import type { SealedFile } from '../store/catalog.js';

/** What compaction may take of a store. */
export interface Retention {
  /** Whether `file` may be rewritten, and go. */
  covers(file: SealedFile): boolean;
  /** Whether it may take all that the log holds now, once that is sealed. */
  coversAll(): boolean;
}

/** Of a standalone store: nobody asks for its entries. */
export const EVERYTHING: Retention = { covers: () => true, coversAll: () => true };
