import type { ReadableFile } from '../log/chunk-reader.js';
import type { Vfs } from '../vfs/vfs.js';

/**
 * A file that is open only while it is read: for where there are more to be read side by side than
 * a process has descriptors.
 */
export class TransientFile implements ReadableFile {
  readonly path: string;
  readonly #vfs: Vfs;
  readonly #size: number;

  /** Throws `DLE_IO`. */
  static async open(vfs: Vfs, path: string): Promise<TransientFile> {
    const file = vfs.openSync(path, { readOnly: true });
    const size = file.size();
    await file.close();
    return new TransientFile(vfs, path, size);
  }

  private constructor(vfs: Vfs, path: string, size: number) {
    this.#vfs = vfs;
    this.path = path;
    this.#size = size;
  }

  size(): number {
    return this.#size;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const file = this.#vfs.openSync(this.path, { readOnly: true });
    try {
      return await file.read(target, position);
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {}
}
