import type { IndexMirror } from '../key-index/key-index.js';

/** There is no such key. */
export const ABSENT = -1;
/** Something is out of the ordinary: the way in TypeScript decides. */
export const ASK = -2;

/** The page of a key is full. */
export const SPLIT = -2;

/** What a scan does: together, in one number. */
export const SCAN_FLAGS: {
  readonly reverse: number;
  readonly keys: number;
  readonly values: number;
  readonly toEnd: number;
  readonly endInclusive: number;
  readonly startInclusive: number;
  readonly fromStart: number;
} = {
  reverse: 1,
  keys: 2,
  values: 4,
  toEnd: 8,
  endInclusive: 16,
  startInclusive: 32,
  fromStart: 64,
};

/**
 * Where in a page its numbers are. `slot`, `offset` (divided by 8) and `index` are of a record that
 * TypeScript has to look at; the lengths of each key and value begin at `lengths`.
 */
export const SCAN_PAGE: {
  readonly entries: number;
  readonly stop: number;
  readonly slot: number;
  readonly offset: number;
  readonly index: number;
  readonly lengths: number;
  readonly words: number;
} = { entries: 0, stop: 1, slot: 2, offset: 3, index: 4, lengths: 6, words: 6 + 2 * 256 };

/** A scan has stopped for a record that TypeScript has to look at. */
export const SCAN_ASK = -3;

/**
 * The point lookup in C, on the pages of one index and the maps of its segments
 * (`native/lookup.c`). It knows the common case, and leaves every other to TypeScript.
 */
export interface Lookup extends IndexMirror {
  /** Maps the first `size` bytes of a file; 0, or the errno. */
  map(slot: number, descriptor: number, size: number): number;
  /** Lets go of the map of the segment at `slot`, which is gone; views of it stay as they are. */
  unmap(slot: number): void;
  /** The segment at `slot` may be read by this descriptor, until it is -1. */
  lend(slot: number, descriptor: number): void;
  /**
   * A buffer of the first `size` bytes of the map, which lives as long as that is held; once for
   * each map. Whoever holds it may copy all of it: it must not reach beyond the end of the file.
   */
  show(slot: number, size: number): ArrayBuffer | undefined;
  /** Copies the value to `at` of `target`: its length, `ABSENT`, or `ASK`. */
  get(key: Uint8Array, target: Uint8Array, at: number): number;
  /**
   * The length of the value, `ABSENT`, or `ASK`. `results[0]`: the slot in which the value lies,
   * `results[1]`: where in that segment.
   */
  locate(key: Uint8Array): number;
  /**
   * Has the puts that lie in `bytes` lead to where they lie in the segment: `shift` bytes further
   * on. Returns where it stopped: at `to`, or at what TypeScript has to do. `results[0]`: new keys.
   */
  putRecords(bytes: Uint8Array, from: number, to: number, slot: number, shift: number): number;
  /**
   * Verifies the puts that lie one after the other from `from` to `to` of `bytes`, and notes where
   * they begin, behind `count` others, in `starts`. Returns where it stopped: at `to`, or at what
   * TypeScript has to look at. `results[0]`: how many are noted now.
   */
  findRecords(
    bytes: Uint8Array,
    from: number,
    to: number,
    starts: Uint32Array,
    count: number,
  ): number;
  /**
   * The keys of the records that begin at the first `count` of `starts`, sorted, each with that
   * record of it which was noted last: the bytes of a `MemoryRun`. `offset`: of `bytes` in the
   * segment.
   */
  gatherRun(bytes: Uint8Array, starts: Uint32Array, count: number, offset: number): ArrayBuffer;
  /** Bytes of memory that a merge of so many runs takes. */
  runMergeBytes(runs: number): number;
  /**
   * Begins to make one of `runs`, the bytes of `MemoryRun`s, in `target`. Everything is to be kept
   * as it is until it is done.
   */
  beginRunMerge(memory: Uint8Array, runs: readonly Uint8Array[], target: Uint8Array): void;
  /**
   * Goes through `most` keys. Returns the length of what is in `target` when all are there, 0
   * before. Throws a `RangeError` if they do not fit in.
   */
  stepRunMerge(memory: Uint8Array, most: number): number;
  /**
   * Fills `target` from `position` of an open file, as far as that lies in the memory of the
   * system: how many bytes there were. 0 where the system cannot read so.
   */
  readCached(descriptor: number, target: Uint8Array, position: number): number;
  /** Begins a merge of so many key directories; 0 ends it. */
  beginMerge(sources: number): void;
  /** `source` goes on with the entries from `from` to `to` of `bytes`, which are to be kept. */
  fillMerge(
    source: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    slot: number,
    firstIndex: number,
  ): void;
  /**
   * Adds keys until a source has to be filled, and returns that; or `DONE`, or `SPLIT` for the hash
   * in `results[1]`. `results[0]`: keys added.
   */
  runMerge(): number;
  /** Bytes of memory that a scan of so many sources takes. */
  mergedScanBytes(sources: number): number;
  /**
   * Begins a scan in `memory`, as `SCAN_FLAGS` say. `start`, if there is one, and `end` are to be
   * kept as long as it.
   */
  beginMergedScan(
    memory: Uint8Array,
    sources: number,
    flags: number,
    start: Uint8Array | undefined,
    end: Uint8Array | undefined,
  ): void;
  /**
   * `source` goes on with the entry `place` of the `count` in a verified block, or if that is -1
   * where the range begins. The block is to be kept until it is filled again.
   */
  fillMergedScan(
    memory: Uint8Array,
    source: number,
    block: Uint8Array,
    count: number,
    place: number,
    slot: number,
    firstIndex: number,
  ): void;
  /**
   * Goes on until there are `most` keys and values, or as many as are good for a page: a buffer of
   * them, one behind the other. `page` says how many there are, what it has stopped for, and how
   * long they are (`SCAN_PAGE`). What has stopped it may be a record that TypeScript must look at:
   * then the buffer holds the key of it, and `skip` says in the next call that this was done.
   */
  runMergedScan(
    memory: Uint8Array,
    most: number,
    page: Uint32Array,
    skip: boolean,
  ): ArrayBuffer | undefined;
  /** Lets go of everything; all is `ASK` from then on. */
  release(): void;
}

/** What the addon exports for it. */
export interface LookupBinding {
  /**
   * `results` is where the functions leave more than one number, `live` where they count the bytes
   * that count of each segment (`LiveBytes`).
   */
  createLookup(seedLow: number, seedHigh: number, results: Uint32Array, live: Float64Array): Lookup;
  /**
   * Writes the checksums of the records that lie in the first `length` of `bytes`. Returns where it
   * stopped: at `length`, if they fill that.
   */
  seal(bytes: Uint8Array, length: number): number;
  /**
   * How far whole records of a log lie in `bytes`, one after the other, none of them local state:
   * every checksum and every field of those is right. TypeScript has to look at what comes then.
   */
  verify(bytes: Uint8Array): number;
  /** Zeroed memory of `SLAB_BYTES`, aligned, in large pages of the system if it has them. */
  slab(): ArrayBuffer | undefined;
}
