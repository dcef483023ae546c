import { join } from 'node:path';
import { corrupt, type Origin } from '../errors.js';
import { ChunkReader, type ReadableFile } from '../log/chunk-reader.js';
import type { Vfs } from '../vfs/vfs.js';
import { BLOCK_BYTES, type Block, readBlock } from './directory-block.js';
import {
  DIRECTORY_HEADER_BYTES,
  type DirectoryHeader,
  directoryName,
  readDirectoryHeader,
} from './directory-format.js';
import { TransientFile } from './transient-file.js';

/** Blocks of keys in their order. */
export interface BlockSource {
  /** To which the block belongs that was returned last. */
  readonly segment: number;
  /** From which the indexes of that block's entries are counted. */
  readonly firstIndex: number;
  /** `undefined` at the end. A block stays as it is for as long as it is held. */
  next(): Promise<Block | undefined>;
  close(): Promise<void>;
}

/** Read at once of a directory. */
const READ_AHEAD_BYTES = 256 * 1024;
/** Where many are read side by side: read ahead of all of them together, and kept open of them. */
const MAX_READ_AHEAD_BYTES = 64 * 1024 * 1024;
const MAX_OPEN = 128;

/** An open key directory, read from front to back, verified. */
export class DirectoryFile implements BlockSource {
  readonly header: DirectoryHeader;
  readonly #file: ReadableFile;
  readonly #reader: ChunkReader;
  #blocks = 0;
  #keys = 0;

  /**
   * `together`: how many are read side by side. Throws `DLE_CORRUPT`; `DLE_FORMAT` for one of
   * another version; `DLE_IO`.
   */
  static async open(
    vfs: Vfs,
    directory: string,
    segment: number,
    together = 1,
  ): Promise<DirectoryFile> {
    const path = join(directory, directoryName(segment));
    const isOpen = together <= MAX_OPEN;
    const file = isOpen
      ? vfs.openSync(path, { readOnly: true })
      : await TransientFile.open(vfs, path);
    try {
      const share = Math.floor(MAX_READ_AHEAD_BYTES / together);
      const ahead = Math.max(Math.min(READ_AHEAD_BYTES, share), BLOCK_BYTES);
      const reader = new ChunkReader(file, ahead);
      const head = await reader.read(0, DIRECTORY_HEADER_BYTES);
      const header = readDirectoryHeader(head, segment, { name: path, offset: 0 });
      const size = DIRECTORY_HEADER_BYTES + (header.blocks + header.fences) * BLOCK_BYTES;
      if (reader.size !== size) {
        throw corrupt({ name: path, offset: 0 }, 0, `${reader.size} bytes, and not ${size}`);
      }
      return new DirectoryFile(header, file, reader);
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
  }

  private constructor(header: DirectoryHeader, file: ReadableFile, reader: ChunkReader) {
    this.header = header;
    this.#file = file;
    this.#reader = reader;
  }

  get segment(): number {
    return this.header.segment;
  }

  get firstIndex(): number {
    return this.header.firstIndex;
  }

  /** Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`. */
  async next(): Promise<Block | undefined> {
    const { blocks, keys } = this.header;
    if (this.#blocks === blocks) {
      if (this.#keys === keys) return undefined;
      throw corrupt(this.#originAt(0), 0, `${this.#keys} keys, and not ${keys}`);
    }
    const block = await this.#read(this.#blocks++);
    this.#keys += block.count;
    return block;
  }

  /** The blocks of the fences, in which entry `n` of them all names block `n`. */
  async readFences(): Promise<Block[]> {
    const { blocks, fences } = this.header;
    const found: Block[] = [];
    for (let fence = 0; fence < fences; fence++) found.push(await this.#read(blocks + fence));
    return found;
  }

  /** The block `number`, whatever was read before. */
  readAt(number: number): Promise<Block> {
    return this.#read(number);
  }

  /** Reads those of the fences as well, when there are no more keys. Throws as `next` does. */
  async verifyFences(): Promise<void> {
    const { blocks, fences } = this.header;
    const count = (await this.readFences()).reduce((sum, block) => sum + block.count, 0);
    const wanted = fences === 0 ? 0 : blocks;
    if (count === wanted) return;
    throw corrupt(this.#originAt(0), 0, `${count} fences, and not ${wanted}`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #read(number: number): Promise<Block> {
    const offset = DIRECTORY_HEADER_BYTES + number * BLOCK_BYTES;
    const bytes = await this.#reader.read(offset, BLOCK_BYTES);
    return readBlock(bytes, this.segment, number, this.#originAt(offset));
  }

  #originAt(offset: number): Origin {
    return { name: this.#file.path, offset };
  }
}
