import { assert, equalBytes } from '@dle/common';
import { allocate } from '../bytes.js';
import { corrupt } from '../errors.js';
import { RecordView } from '../log/record.js';
import type { SegmentFiles } from '../log/segment-files.js';

/** Read at once where records are asked for in the order in which they lie. */
const RUN_BYTES = 256 * 1024;
/** Room for one where they are not; a larger record makes it larger. */
const SINGLE_BYTES = 4 * 1024;

/** A record as its key directory describes it. */
export interface ExpectedRecord {
  readonly key: Uint8Array;
  readonly index: number;
  /** In its segment. */
  readonly offset: number;
  /** With header and padding. */
  readonly bytes: number;
}

/**
 * Reads records of some files, each verified and held against what the directory says. Of the
 * files of a sorted run, whose records are asked for in their order, a good piece at a time.
 */
export class InputRecords {
  readonly #files: SegmentFiles;
  readonly #isRun: boolean;
  #window: Uint8Array;
  #view: RecordView;
  /** Which part of which file lies in the window. */
  #segment = 0;
  #start = 0;
  #end = 0;
  #bytesRead = 0;

  constructor(files: SegmentFiles, isRun: boolean) {
    this.#files = files;
    this.#isRun = isRun;
    this.#window = allocate(isRun ? RUN_BYTES : SINGLE_BYTES);
    this.#view = new RecordView(this.#window);
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The bytes of the record, good until the next call. Throws `DLE_CORRUPT`, `DLE_IO`. */
  read(segment: number, expected: ExpectedRecord): Uint8Array {
    const { offset, bytes } = expected;
    const isHere = segment === this.#segment && offset >= this.#start;
    if (!isHere || offset + bytes > this.#end) this.#fill(segment, offset, bytes);
    const at = offset - this.#start;
    const view = this.#view;
    view.read(at);
    const isRight = view.index === expected.index && equalBytes(view.key, expected.key);
    if (!isRight || view.end - at !== bytes) {
      throw corrupt(view.origin, at, 'another record than the key directory says');
    }
    return this.#window.subarray(at, view.end);
  }

  #fill(segment: number, offset: number, bytes: number): void {
    if (bytes > this.#window.length) {
      this.#window = allocate(bytes);
      this.#view = new RecordView(this.#window);
    }
    const wanted = this.#window.subarray(0, this.#isRun ? this.#window.length : bytes);
    const file = this.#files.get(segment);
    const count = file.readSync(wanted, offset);
    this.#view.origin = { name: file.path, offset };
    this.#bytesRead += count;
    this.#segment = segment;
    this.#start = offset;
    this.#end = offset + count;
    if (count < bytes) {
      throw corrupt({ name: file.path, offset: this.#end }, 0, 'the file ends here');
    }
    assert(offset + bytes <= this.#end, 'the record is not in the window');
  }
}
