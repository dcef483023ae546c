/** Places in `results`: of the entries of a frame, and of a block. */
export const FIRST_INDEX = 0;
export const LAST_INDEX = 1;
export const LAST_TERM = 2;
export const BLOCK_KEYS = 0;
export const BLOCK_LENGTH = 1;
export const BLOCK_DELETES = 2;
export const RESULTS = 3;

/** `stepSort` is to be called again. */
export const UNSORTED = -1;

/** The keys of a segment, collected and sorted in C (`native/directory-keys.c`). */
export interface KeyCollector {
  /**
   * Verifies the records of a frame, which begin at `offset` of their segment, as
   * `EntryBatch.decode` does, and adds those that change a key. Returns how many records there
   * were, and leaves in `results` the first and last index and the last term. 0, and nothing was
   * added: TypeScript has to look at them.
   */
  addFrame(records: Uint8Array, offset: number): number;
  /** Adds a record, whose key is to be the newest of its kind. */
  add(key: Uint8Array, offset: number, index: number, valueLength: number, kind: number): void;
  /** No more keys will come. */
  beginSort(): void;
  /** Sorts on. Returns how many keys there are, each once, or `UNSORTED`. */
  stepSort(): number;
  /**
   * Fills `target`, a block, with the keys from `place` on, all but its header. `results`: how many
   * there are, how many bytes they take, and how many of them are deletes. Throws a `RangeError` if
   * an index is lower than `firstIndex`.
   */
  fillBlock(target: Uint8Array, place: number, firstIndex: number): void;
  /** Forgets all keys, and gives back their memory. */
  release(): void;
}

/** What the addon exports for it. */
export interface KeyCollectorBinding {
  directoryKeys(results: Float64Array): KeyCollector;
}
