import * as fs from 'node:fs';
import { join } from 'node:path';
import { RECORD_BYTES } from '../raw-disk.js';

const FRAME_HEADER_BYTES = 64;
/** What one put by itself takes in the log of a store: a frame with one record. */
const PUT_BYTES = FRAME_HEADER_BYTES + RECORD_BYTES;
const FILE_BYTES = 64 * 1_024 ** 2;

/**
 * The limit for a durable put: a plain file whose space is allocated and flushed beforehand, as
 * that of a segment is, a `write` behind the last, and an `fdatasync`.
 */
export class RawLog {
  readonly #file: number;
  readonly #source: Uint8Array = new Uint8Array(PUT_BYTES).fill(1);
  #end = 0;

  constructor(directory: string) {
    this.#file = fs.openSync(join(directory, 'raw-log'), 'w+');
    fs.writeSync(this.#file, new Uint8Array(FILE_BYTES));
    fs.fdatasyncSync(this.#file);
  }

  putSync(): void {
    this.#write();
    fs.fdatasyncSync(this.#file);
  }

  /** With the flush in the thread pool, so that the event loop can go on meanwhile. */
  put(): Promise<void> {
    this.#write();
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#file, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  close(): void {
    fs.closeSync(this.#file);
  }

  #write(): void {
    if (this.#end + PUT_BYTES > FILE_BYTES) this.#end = 0;
    fs.writeSync(this.#file, this.#source, 0, PUT_BYTES, this.#end);
    this.#end += PUT_BYTES;
  }
}
