import { EMPTY_BYTES } from '@dle/common';
import { allocate } from '../bytes.js';

/** What is needed of a file to read it from front to back. */
export interface ReadableFile {
  readonly path: string;
  size(): number;
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Reads a file from front to back in large pieces. What it hands out stays as it is: it reuses no
 * memory.
 */
export class ChunkReader {
  readonly size: number;
  readonly #file: ReadableFile;
  #chunk: Uint8Array = EMPTY_BYTES;
  #chunkOffset = 0;

  readonly #chunkBytes: number;

  constructor(file: ReadableFile, chunkBytes: number = CHUNK_BYTES) {
    this.#file = file;
    this.#chunkBytes = chunkBytes;
    this.size = file.size();
  }

  /** The bytes from `offset` on: `length` of them, or fewer at the end of the file. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    const start = offset - this.#chunkOffset;
    if (start < 0 || start + wanted > this.#chunk.length) await this.#fill(offset, wanted);
    const from = offset - this.#chunkOffset;
    return this.#chunk.subarray(from, from + wanted);
  }

  async #fill(offset: number, wanted: number): Promise<void> {
    const bytes = Math.min(Math.max(this.#chunkBytes, wanted), Math.max(0, this.size - offset));
    const chunk = allocate(bytes);
    const count = await this.#file.read(chunk, offset);
    this.#chunk = chunk.subarray(0, count);
    this.#chunkOffset = offset;
  }
}
