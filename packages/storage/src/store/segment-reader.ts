import { RECORD_HEADER_BYTES, RecordView } from '../log/record.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { offsetOf, type Position, segmentOf } from './key-index.js';

/** Reads single records where the index says they lie. Reads through a map will be a second implementation. */
export interface SegmentReader {
  /** The record at `position`, every checksum verified; good until the next call. Throws `DLE_CORRUPT`, `DLE_IO`. */
  read(position: Position): RecordView;
}

/** What is read at first: most records whole, with one call. */
const FIRST_READ_BYTES = 1_024;

/** Reads by `pread` into one buffer. */
export class FileSegmentReader implements SegmentReader {
  readonly #files: SegmentFiles;
  readonly #buffer: Uint8Array = Buffer.allocUnsafeSlow(FIRST_READ_BYTES);

  constructor(files: SegmentFiles) {
    this.#files = files;
  }

  read(position: Position): RecordView {
    const segment = segmentOf(position);
    const offset = offsetOf(position);
    const file = this.#files.get(segment);
    const origin = { name: file.path, offset };
    const count = file.readSync(this.#buffer, offset);
    const record = new RecordView(this.#buffer.subarray(0, count), origin);
    record.readHeader(0);
    if (record.end <= count) {
      record.read(0);
      return record;
    }
    // The header's checksum has vouched for the length.
    const whole = Buffer.allocUnsafeSlow(Math.max(record.end, RECORD_HEADER_BYTES));
    const size = file.readSync(whole, offset);
    const large = new RecordView(whole.subarray(0, size), origin);
    large.read(0);
    return large;
  }
}
