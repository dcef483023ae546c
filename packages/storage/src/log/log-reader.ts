import { DleError } from '@dle/common';
import { allocate } from '../bytes.js';
import { corrupt } from '../errors.js';
import { MAX_BATCH_BYTES } from '../limits.js';
import { EntryBatch } from './entry-batch.js';
import type { EntryTable } from './entry-table.js';
import type { SegmentFiles } from './segment-files.js';

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

  /** The entry at `index`, at once. Throws `DLE_CORRUPT`, `DLE_IO`. */
  readSync(index: number): EntryBatch {
    const extent = this.#extents(index, index)[0]!;
    const bytes = allocate(extent.bytes);
    const count = this.#files.get(extent.segment).readSync(bytes, extent.offset);
    return this.#decode(extent, bytes.subarray(0, count));
  }

  #extents(from: number, to: number): Extent[] {
    const table = this.#table;
    const extents: Extent[] = [];
    let total = 0;
    for (let index = from; index <= to; ) {
      const firstIndex = index;
      const segment = table.segmentAt(index);
      const offset = table.offsetAt(index);
      let end = offset;
      while (index <= to && table.segmentAt(index) === segment && table.offsetAt(index) === end) {
        end += table.bytesAt(index++);
      }
      extents.push({ segment, offset, firstIndex, lastIndex: index - 1, bytes: end - offset });
      total += end - offset;
    }
    if (total > MAX_BATCH_BYTES) {
      const message = `${total} bytes of entries at once; at most ${MAX_BATCH_BYTES} are allowed`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    return extents;
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
