/** What is known of records, by columns. */
export interface RecordColumns {
  /** With headers and padding. */
  readonly lengths: Uint32Array;
  readonly indexes: Float64Array;
  /** Of all, one after the other, and where each of them ends. */
  readonly keys: Uint8Array;
  readonly keyEnds: Uint32Array;
}

/** What the addon exports to read records, of which key directories say what they are. */
export interface ReadRecordsBinding {
  /**
   * Reads the records that are known at the first `count` of `places`, from the sources and offsets
   * beside those, one after the other into `target`. A source is the descriptor of an open file or,
   * if it is negative, one of `buffers`, which are whole files: -1 the first of them. Verifies each
   * record, and holds it against what is known of it. Returns how many there are in `target`: fewer
   * if it is full, or if TypeScript has to look at the next one.
   */
  readRecords(
    sources: Int32Array,
    buffers: readonly Uint8Array[],
    offsets: Float64Array,
    places: Uint32Array,
    count: number,
    lengths: Uint32Array,
    indexes: Float64Array,
    keys: Uint8Array,
    keyEnds: Uint32Array,
    target: Uint8Array,
  ): number;
}
