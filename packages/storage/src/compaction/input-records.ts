import { assert, equalBytes } from '@dle/common';
import { allocate } from '../bytes.js';
import { corrupt } from '../errors.js';
import { RecordView } from '../log/record.js';
import type { VfsFile } from '../vfs/vfs.js';

/** Read at once where records are asked for in the order in which they lie. */
const WINDOW_BYTES = 256 * 1024;
/** Read at once where they are not; a larger record is read as a whole. */
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

/** Reads the records of one input, each verified and held against what the directory says. */
export class InputRecords {
  readonly #file: VfsFile;
  readonly #isSorted: boolean;
  #window: Uint8Array;
  #view: RecordView;
  /** Which part of the file lies in the window. */
  #start = 0;
  #end = 0;
  bytesRead = 0;

  constructor(file: VfsFile, isSorted: boolean) {
    this.#file = file;
    this.#isSorted = isSorted;
    this.#window = allocate(isSorted ? WINDOW_BYTES : SINGLE_BYTES);
    this.#view = new RecordView(this.#window);
  }

  /** The bytes of the record, good until the next call. Throws `DLE_CORRUPT`, `DLE_IO`. */
  read(expected: ExpectedRecord): Uint8Array {
    const { offset, bytes } = expected;
    if (offset < this.#start || offset + bytes > this.#end) this.#fill(offset, bytes);
    const at = offset - this.#start;
    const view = this.#view;
    view.origin = { name: this.#file.path, offset: this.#start };
    view.read(at);
    const isRight = view.index === expected.index && equalBytes(view.key, expected.key);
    if (!isRight || view.end - at !== bytes) {
      throw corrupt(view.origin, at, 'another record than the key directory says');
    }
    return this.#window.subarray(at, view.end);
  }

  #fill(offset: number, bytes: number): void {
    if (bytes > this.#window.length) {
      this.#window = allocate(bytes);
      this.#view = new RecordView(this.#window);
    }
    const wanted = this.#isSorted ? this.#window : this.#window.subarray(0, bytes);
    const count = this.#file.readSync(wanted, offset);
    this.bytesRead += count;
    this.#start = offset;
    this.#end = offset + count;
    if (count < bytes) {
      throw corrupt({ name: this.#file.path, offset: this.#end }, 0, 'the file ends here');
    }
    assert(offset + bytes <= this.#end, 'the record is not in the window');
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
