import { allocate } from '../bytes.js';
import type { Origin } from '../errors.js';
import { RecordView } from '../log/record.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { offsetOf, type Position, segmentOf } from './key-index.js';

/**
 * Reads single records where the index says they lie, every checksum verified. Throws
 * `DLE_CORRUPT`,
 * `DLE_FORMAT`, `DLE_IO`, `DLE_CLOSED`. Reads through a map will be a second implementation.
 */
export interface SegmentReader {
  /** The record at `position`; it and its bytes are good until the next call. */
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
  readonly #first = new RecordView(allocate(FIRST_READ_BYTES));

  constructor(files: SegmentFiles) {
    this.#files = files;
  }

  readSync(position: Position): RecordView {
    const file = this.#files.get(segmentOf(position));
    const offset = offsetOf(position);
    const origin = { name: file.path, offset };
    const first = this.#first;
    const count = file.readSync(first.bytes, offset);
    if (isWhole(first, count, origin)) return first;
    const whole = new RecordView(allocate(first.end), origin);
    return verified(whole, file.readSync(whole.bytes, offset));
  }

  async read(position: Position): Promise<RecordView> {
    const segment = segmentOf(position);
    const offset = offsetOf(position);
    const origin = this.originOf(position);
    const first = new RecordView(allocate(FIRST_READ_BYTES));
    const count = await this.#files.get(segment).read(first.bytes, offset);
    if (isWhole(first, count, origin)) return first;
    const whole = new RecordView(allocate(first.end), origin);
    return verified(whole, await this.#files.get(segment).read(whole.bytes, offset));
  }

  originOf(position: Position): Origin {
    return { name: this.#files.pathOf(segmentOf(position)), offset: offsetOf(position) };
  }
}

/**
 * Whether the record is among the bytes read at first, which has been verified then; else its
 * header has.
 */
function isWhole(first: RecordView, count: number, origin: Origin): boolean {
  first.origin = origin;
  if (count < first.bytes.length) first.bytes.fill(0, count);
  first.readHeader(0);
  if (first.end > first.bytes.length) return false;
  first.verifyPayload();
  return true;
}

function verified(record: RecordView, count: number): RecordView {
  record.bytes.fill(0, count);
  record.read(0);
  return record;
}
