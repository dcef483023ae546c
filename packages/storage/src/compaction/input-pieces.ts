import { allocate } from '../bytes.js';
import type { VfsFile } from '../vfs/vfs.js';
import type { RecordSource } from './record-group.js';

/**
 * Segments of the log in which the records that are asked for lie in no order are read as a whole,
 * first of all, as long as they take no more memory than this together. Measured: to read 190 bytes
 * costs as much as to copy ten kilobytes.
 */
const WHOLE_BYTES = 128 * 1024 * 1024;
const MOST_WHOLE = 24;
/** Read at a time of those. */
const STEP_BYTES = 4 * 1024 * 1024;
/** Read at a time of sorted segments. */
const WINDOW_BYTES = 1024 * 1024;

/** The pieces of input files that are in memory. */
export class InputPieces {
  readonly #whole = new Map<number, Uint8Array>();
  /** Of each sorted run, the one that was read last. */
  readonly #windows = new Map<number, RecordSource>();
  #wholeBytes = 0;
  #bytesRead = 0;

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Reads a segment of the log, if there is room for it. Throws `DLE_IO`. */
  async load(id: number, file: VfsFile): Promise<void> {
    const size = file.size();
    if (this.#whole.size === MOST_WHOLE || this.#wholeBytes + size > WHOLE_BYTES) return;
    const bytes = allocate(size);
    this.#wholeBytes += size;
    for (let at = 0; at < size; at += STEP_BYTES) {
      this.#bytesRead += await file.read(bytes.subarray(at, at + STEP_BYTES), at);
    }
    this.#whole.set(id, bytes);
  }

  /** Of a segment of the log. */
  ofLog(id: number, file: VfsFile): RecordSource {
    return { file, piece: this.#whole.get(id), start: 0 };
  }

  /** `bytes` at `offset` of a file of the run, in which nothing before that is asked for again. */
  ofRun(run: number, file: VfsFile, offset: number, bytes: number): RecordSource {
    const present = this.#windows.get(run);
    if (present?.file.path === file.path) {
      const { piece, start } = present;
      if (offset >= start && offset + bytes <= start + piece!.length) return present;
    }
    // Memory of its own: what was handed out is still to be copied from the one before.
    const piece = allocate(Math.max(WINDOW_BYTES, bytes));
    const count = file.readSync(piece, offset);
    this.#bytesRead += count;
    const window = { file, piece: piece.subarray(0, count), start: offset };
    this.#windows.set(run, window);
    return window;
  }
}
