import { allocate } from '../bytes.js';
import type { Origin } from '../errors.js';
import { RecordView } from '../log/record.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { offsetOf, type Position, segmentOf } from './key-index.js';

/**
 * Reads single records where the index says they lie, every checksum verified. Throws
 * `DLE_CORRUPT`, `DLE_FORMAT`,
 * `DLE_IO`, `DLE_CLOSED`. Reads through a map will be a second implementation.
 */
export interface SegmentReader {
  /** The record at `position`; its bytes are good until the next call. */
  readSync(position: Position): RecordView;
  /** The record at `position`, by the thread pool; its bytes are the caller's. */
  read(position: Position): Promise<RecordView>;
  /** Where that is, for messages. */
  originOf(position: Position): Origin;
}

/** What is read at first: most records whole, with one call. */
const FIRST_READ_BYTES = 1_024;

/** Reads by `pread`. */
export class FileSegmentReader implements SegmentReader {
  readonly #files: SegmentFiles;
  readonly #buffer: Uint8Array = allocate(FIRST_READ_BYTES);

  constructor(files: SegmentFiles) {
    this.#files = files;
  }

  readSync(position: Position): RecordView {
    const file = this.#files.get(segmentOf(position));
    const offset = offsetOf(position);
    const count = file.readSync(this.#buffer, offset);
    const record = this.#view(this.#buffer, count, position);
    if (record.end <= count) return verified(record);
    const whole = allocate(record.end);
    return verified(this.#view(whole, file.readSync(whole, offset), position));
  }

  async read(position: Position): Promise<RecordView> {
    const segment = segmentOf(position);
    const offset = offsetOf(position);
    const buffer = allocate(FIRST_READ_BYTES);
    const count = await this.#files.get(segment).read(buffer, offset);
    const record = this.#view(buffer, count, position);
    if (record.end <= count) return verified(record);
    const whole = allocate(record.end);
    return verified(
      this.#view(whole, await this.#files.get(segment).read(whole, offset), position),
    );
  }

  originOf(position: Position): Origin {
    return { name: this.#files.pathOf(segmentOf(position)), offset: offsetOf(position) };
  }

  /** The record at the beginning of `bytes`, its header verified: that vouches for its length. */
  #view(bytes: Uint8Array, count: number, position: Position): RecordView {
    const record = new RecordView(bytes.subarray(0, count), this.originOf(position));
    record.readHeader(0);
    return record;
  }
}

function verified(record: RecordView): RecordView {
  record.verifyPayload();
  return record;
}
