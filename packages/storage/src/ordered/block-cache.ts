import type { KeyBlock } from './key-blocks.js';

/**
 * Bytes of blocks, at most, that are kept of one store: those of two million keys of 16 bytes.
 * Where ranges begin at random among many more, their blocks come from the file each time.
 */
const MAX_BYTES = 64 * 1024 * 1024;
/** No file has so many blocks. */
const BLOCKS_PER_FILE = 2 ** 21;

interface Held {
  readonly block: KeyBlock;
  /** Since it was last considered for being given up. */
  isUsed: boolean;
}

/**
 * The blocks of key directories that were used lately. To note a use costs next to nothing, for
 * each read looks at some blocks of each source: those that were used get a second chance.
 */
export class BlockCache {
  readonly #maxBytes: number;
  /** Those that are considered next come first. */
  readonly #blocks = new Map<number, Held>();
  #bytes = 0;

  constructor(maxBytes: number = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(file: number, number: number): KeyBlock | undefined {
    const held = this.#blocks.get(file * BLOCKS_PER_FILE + number);
    if (held === undefined) return undefined;
    held.isUsed = true;
    return held.block;
  }

  /** Keeps `block`, and gives up some that were not used for long. */
  add(file: number, number: number, block: KeyBlock): void {
    const name = file * BLOCKS_PER_FILE + number;
    if (this.#blocks.has(name)) return;
    this.#bytes += block.bytes.length;
    for (const [oldest, held] of this.#blocks) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#blocks.delete(oldest);
      if (held.isUsed) {
        held.isUsed = false;
        this.#blocks.set(oldest, held);
      } else this.#bytes -= held.block.bytes.length;
    }
    this.#blocks.set(name, { block, isUsed: true });
  }

  /** Whether there is room for one more without giving up another. */
  hasRoomFor(block: KeyBlock): boolean {
    return this.#bytes + block.bytes.length <= this.#maxBytes;
  }

  /** The blocks `from` to `to`, the latter not included, of a file that is gone. */
  forget(file: number, to: number): void {
    for (let number = 0; number < to; number++) {
      const name = file * BLOCKS_PER_FILE + number;
      const held = this.#blocks.get(name);
      if (held === undefined) continue;
      this.#blocks.delete(name);
      this.#bytes -= held.block.bytes.length;
    }
  }

  clear(): void {
    this.#blocks.clear();
    this.#bytes = 0;
  }
}
