import { DleError } from '@dle/common';
import { allocate } from '../bytes.js';
import { corrupt } from '../errors.js';
import { MAX_BATCH_BYTES } from '../limits.js';
import { EntryBatch } from './entry-batch.js';
import type { EntryTable } from './entry-table.js';
import type { SegmentFiles } from './segment-files.js';

/** Read at once where entries are shown one after the other. */
const PIECE_BYTES = 256 * 1024;

/** Entries that lie one after the other in one segment. */
interface Extent {
  readonly segment: number;
  readonly offset: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly bytes: number;
}

/** Reads entries back from the segment files, verified. */
export class LogReader {
  readonly #files: SegmentFiles;
  readonly #table: EntryTable;

  constructor(files: SegmentFiles, table: EntryTable) {
    this.#files = files;
    this.#table = table;
  }

  /**
   * The entries `from` to `to`, as they lie at the time of the call. Throws `DLE_CORRUPT`,
   * `DLE_IO`.
   */
  async read(from: number, to: number): Promise<EntryBatch> {
    const parts: EntryBatch[] = [];
    for (const extent of this.#extents(from, to)) {
      const bytes = allocate(extent.bytes);
      const count = await this.#files.get(extent.segment).read(bytes, extent.offset);
      parts.push(this.#decode(extent, bytes.subarray(0, count)));
    }
    return EntryBatch.join(parts);
  }

  /**
   * The entries from `from` on, at once: as many, up to `to`, as lie together and are no more than
   * a piece; at least one. Throws `DLE_CORRUPT`, `DLE_IO`.
   */
  readSync(from: number, to: number): EntryBatch {
    const extent = this.#extentAt(from, to, PIECE_BYTES);
    const bytes = allocate(extent.bytes);
    const count = this.#files.get(extent.segment).readSync(bytes, extent.offset);
    return this.#decode(extent, bytes.subarray(0, count));
  }

  #extents(from: number, to: number): Extent[] {
    const extents: Extent[] = [];
    let total = 0;
    for (let index = from; index <= to; ) {
      const extent = this.#extentAt(index, to, Number.POSITIVE_INFINITY);
      extents.push(extent);
      total += extent.bytes;
      index = extent.lastIndex + 1;
    }
    if (total > MAX_BATCH_BYTES) {
      const message = `${total} bytes of entries at once; at most ${MAX_BATCH_BYTES} are allowed`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    return extents;
  }

  /** Of those that lie together with the one at `from`; no more than `maxBytes`, but at least it. */
  #extentAt(from: number, to: number, maxBytes: number): Extent {
    const table = this.#table;
    const segment = table.segmentAt(from);
    const offset = table.offsetAt(from);
    let end = offset + table.bytesAt(from);
    let lastIndex = from;
    while (lastIndex < to) {
      const next = lastIndex + 1;
      if (table.segmentAt(next) !== segment || table.offsetAt(next) !== end) break;
      const nextEnd = end + table.bytesAt(next);
      if (nextEnd - offset > maxBytes) break;
      end = nextEnd;
      lastIndex = next;
    }
    return { segment, offset, firstIndex: from, lastIndex, bytes: end - offset };
  }

  #decode(extent: Extent, bytes: Uint8Array): EntryBatch {
    const origin = { name: this.#files.pathOf(extent.segment), offset: extent.offset };
    if (bytes.length < extent.bytes) throw corrupt(origin, bytes.length, 'the file ends here');
    const batch = EntryBatch.decode(bytes, origin);
    if (batch.firstIndex !== extent.firstIndex || batch.lastIndex !== extent.lastIndex) {
      throw corrupt(origin, 0, `entries ${batch.firstIndex} to ${batch.lastIndex} lie here`);
    }
    return batch;
  }
}
