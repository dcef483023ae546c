import type { KeyBlock } from './key-blocks.js';

/**
 * Bytes of blocks, at most, that are kept of one store: those of two million keys of 16 bytes.
 * Where ranges begin at random among many more, their blocks come from the file each time.
 */
const MAX_BYTES = 64 * 1024 * 1024;
/** No file has so many blocks. */
const BLOCKS_PER_FILE = 2 ** 21;

/** The blocks of key directories that were used last. */
export class BlockCache {
  readonly #maxBytes: number;
  /** By the order of their use. */
  readonly #blocks = new Map<number, KeyBlock>();
  #newest = -1;
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(file: number, number: number): KeyBlock | undefined {
    const name = file * BLOCKS_PER_FILE + number;
    const block = this.#blocks.get(name);
    if (block !== undefined && name !== this.#newest) {
      this.#blocks.delete(name);
      this.#blocks.set(name, block);
      this.#newest = name;
    }
    return block;
  }

  /** Keeps `block`, and gives up those that were not used for the longest time. */
  add(file: number, number: number, block: KeyBlock): void {
    const name = file * BLOCKS_PER_FILE + number;
    if (this.#blocks.has(name)) return;
    this.#blocks.set(name, block);
    this.#newest = name;
    this.#bytes += block.bytes.length;
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#blocks.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }

  /** Whether there is room for one more without giving up another. */
  hasRoomFor(block: KeyBlock): boolean {
    return this.#bytes + block.bytes.length <= this.#maxBytes;
  }

  /** The blocks `from` to `to`, the latter not included, of a file that is gone. */
  forget(file: number, to: number): void {
    for (let number = 0; number < to; number++) {
      const name = file * BLOCKS_PER_FILE + number;
      const block = this.#blocks.get(name);
      if (block === undefined) continue;
      this.#blocks.delete(name);
      this.#bytes -= block.bytes.length;
    }
  }

  clear(): void {
    this.#blocks.clear();
    this.#bytes = 0;
  }
}
