import { DleError } from '@dle/common';
import { DeadExtents } from './dead-extents.js';
import { EntryBatch } from './entry-batch.js';
import { EntryTable } from './entry-table.js';
import { LogReader } from './log-reader.js';
import type { SegmentFiles } from './segment-files.js';
import { TailCache, withoutWaste } from './tail-cache.js';

/** The entries of a log: where they lie, their terms, and the newest of them in memory. */
export class LogEntries {
  /** Where replaced entries lie. */
  readonly dead: DeadExtents = new DeadExtents();
  readonly #table = new EntryTable();
  readonly #reader: LogReader;
  readonly #cache: TailCache;
  #commit = 0;

  constructor(files: SegmentFiles, tailCacheBytes: number) {
    this.#reader = new LogReader(files, this.#table);
    this.#cache = new TailCache(tailCacheBytes);
  }

  get firstIndex(): number {
    return this.#table.firstIndex;
  }

  get lastIndex(): number {
    return this.#table.lastIndex;
  }

  /** The highest commit index known; never above `lastIndex`. */
  get commit(): number {
    return this.#commit;
  }

  get opaqueIndexes(): readonly number[] {
    return this.#table.opaqueIndexes;
  }

  termAt(index: number): number {
    this.#checkRange(index, Math.max(index, this.firstIndex - 1), this.firstIndex - 1);
    return this.#table.termAt(index);
  }

  bytesAt(index: number): number {
    this.#checkRange(index, index, this.firstIndex);
    return this.#table.bytesAt(index);
  }

  /** Of the entries from `index` on together; 0 behind the last. */
  bytesFrom(index: number): number {
    if (index !== this.lastIndex + 1) this.#checkRange(index, index, this.firstIndex);
    return this.#table.bytesFrom(index);
  }

  /** The segment in which the entry at `index` lies. */
  segmentAt(index: number): number {
    return this.#table.segmentAt(index);
  }

  /** Where in that segment its first record begins. */
  offsetAt(index: number): number {
    return this.#table.offsetAt(index);
  }

  /** The entries up to `index`, the last of them of `term`, are somebody else's: goes on behind. */
  resumeAfter(index: number, term: number): void {
    this.#table.resumeAfter(index, term);
  }

  /** Notes where the entries `from` to `to` of `batch` lie. */
  place(batch: EntryBatch, from: number, to: number, segment: number, offset: number): void {
    this.#table.add(batch, from, to, segment, offset);
  }

  /** Keeps the bytes of entries that have been placed. */
  keep(batch: EntryBatch): void {
    this.#cache.add(withoutWaste(batch));
  }

  /** Forgets the entries from `index` on, which the frame `sequence` replaces. */
  truncate(index: number, sequence: number): void {
    for (const extent of this.#table.extentsFrom(index)) this.dead.add(extent, sequence);
    this.#cache.truncate(index);
    this.#table.truncate(index);
  }

  setCommit(index: number): void {
    this.#commit = Math.max(this.#commit, index);
  }

  /** Everything placed lies in the files now: the cache may drop what is too much. */
  written(): void {
    this.#cache.trim();
  }

  /** Forgets where the entries below `index` lie. */
  releaseBelow(index: number): void {
    if (index > this.lastIndex + 1) this.#checkRange(index, index - 1, this.firstIndex);
    this.#table.releaseBelow(index);
    this.#cache.releaseBelow(index);
  }

  /**
   * Shows the entries `from` to `to` in batches that may hold more than those, at once: from
   * memory, or, a piece at a time, from the files. Throws `DLE_CORRUPT`, `DLE_IO`.
   */
  visit(
    from: number,
    to: number,
    visitor: (batch: EntryBatch, from: number, to: number) => void,
  ): void {
    this.#checkRange(from, to, this.firstIndex);
    for (let index = from; index <= to; ) {
      const batch = this.#cache.batchOf(index) ?? this.#reader.readSync(index, to);
      const last = Math.min(to, batch.lastIndex);
      visitor(batch, index, last);
      index = last + 1;
    }
  }

  read(from: number, to: number): EntryBatch | Promise<EntryBatch> {
    this.#checkRange(from, to, this.firstIndex);
    const cached = this.#cache.firstIndex;
    if (from >= cached) return this.#cache.read(from, to);
    if (to < cached) return this.#readFiles(from, to);
    const tail = this.#cache.read(cached, to);
    return this.#readFiles(from, cached - 1).then((head) => EntryBatch.join([head, tail]));
  }

  async #readFiles(from: number, to: number): Promise<EntryBatch> {
    try {
      return await this.#reader.read(from, to);
    } catch (thrown) {
      // Given up meanwhile: the files may be gone.
      if (from < this.firstIndex) this.#checkRange(from, to, this.firstIndex);
      throw thrown;
    }
  }

  #checkRange(from: number, to: number, lowest: number): void {
    if (from >= lowest && from <= to && to <= this.lastIndex) return;
    const held = `${this.firstIndex} to ${this.lastIndex}`;
    throw new DleError(
      'DLE_INVALID_ARGUMENT',
      `entries ${from} to ${to} of a log that holds ${held}`,
    );
  }
}
