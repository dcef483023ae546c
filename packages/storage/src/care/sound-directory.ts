import { isDleError } from '@dle/common';
import type { Block } from '../directory/directory-block.js';
import { DirectoryFile } from '../directory/directory-file.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import type { Vfs } from '../vfs/vfs.js';

/** A key directory of which every byte has been checked: it can be believed. */
export class SoundDirectory {
  readonly header: DirectoryHeader;
  readonly #vfs: Vfs;
  readonly #directory: string;

  /** `undefined` if it is damaged, or not there. */
  static async open(vfs: Vfs, directory: string, id: number): Promise<SoundDirectory | undefined> {
    let file: DirectoryFile | undefined;
    try {
      file = await DirectoryFile.open(vfs, directory, id);
      while ((await file.next()) !== undefined);
      return new SoundDirectory(vfs, directory, file.header);
    } catch (thrown) {
      if (isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) return undefined;
      throw thrown;
    } finally {
      await file?.close();
    }
  }

  private constructor(vfs: Vfs, directory: string, header: DirectoryHeader) {
    this.#vfs = vfs;
    this.#directory = directory;
    this.header = header;
  }

  async *blocks(): AsyncGenerator<Block, void> {
    const file = await DirectoryFile.open(this.#vfs, this.#directory, this.header.segment);
    try {
      for (let block = await file.next(); block !== undefined; block = await file.next()) {
        yield block;
      }
    } finally {
      await file.close();
    }
  }
}
