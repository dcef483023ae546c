import { DleError } from '@dle/common';
import type { ReadableFile } from '../log/chunk-reader.js';
import type { Vfs } from '../vfs/vfs.js';
import type { ReadPace } from './read-pace.js';

/** Read at once: what verifying that takes of the thread is a few milliseconds. */
export const READ_BYTES: number = 256 * 1024;

/**
 * A file that is read slowly. It is open only while it is read: what compaction unlinks meanwhile
 * gives its space back at once.
 */
export class PacedFile implements ReadableFile {
  readonly path: string;
  readonly #vfs: Vfs;
  readonly #pace: ReadPace;
  readonly #size: number;

  /** Throws `DLE_IO`. */
  static async open(vfs: Vfs, path: string, pace: ReadPace): Promise<PacedFile> {
    const file = vfs.openSync(path, { readOnly: true });
    const size = file.size();
    await file.close();
    return new PacedFile(vfs, path, pace, size);
  }

  private constructor(vfs: Vfs, path: string, pace: ReadPace, size: number) {
    this.#vfs = vfs;
    this.path = path;
    this.#pace = pace;
    this.#size = size;
  }

  size(): number {
    return this.#size;
  }

  /** Throws `DLE_IO`; `DLE_ABORTED` when the reading is to end. */
  async read(target: Uint8Array, position: number): Promise<number> {
    await this.#pace.waitFor(target.length);
    if (this.#pace.isOver) throw new DleError('DLE_ABORTED', 'the scrub is ended');
    const file = this.#vfs.openSync(this.path, { readOnly: true });
    try {
      return await file.read(target, position);
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {}
}
