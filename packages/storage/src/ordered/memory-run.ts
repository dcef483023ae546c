import { DirectoryEncoder, type KeyEntry } from '../directory/directory-encoder.js';
import { blockOf, compareEntry, type KeyBlock, type KeyBlocks, trimmed } from './key-blocks.js';
import type { Work } from './work.js';

/** Keys in memory, sorted, each with its newest record: as in a key directory. Never changes. */
export class MemoryRun implements KeyBlocks {
  readonly keys: number;
  readonly #blocks: readonly KeyBlock[];

  constructor(blocks: readonly KeyBlock[]) {
    this.#blocks = blocks;
    this.keys = blocks.reduce((sum, { count }) => sum + count, 0);
  }

  get count(): number {
    return this.#blocks.length;
  }

  /** Of memory. */
  get bytes(): number {
    return this.#blocks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  // Nothing to wait for: it is all there.
  // biome-ignore lint/correctness/useYield: as the interface has it
  *load(number: number): Work<readonly KeyBlock[]> {
    return [this.#blocks[number]!];
  }

  peek(number: number): KeyBlock | undefined {
    return this.#blocks[number];
  }

  // biome-ignore lint/correctness/useYield: as the interface has it
  *find(key: Uint8Array): Work<number> {
    return this.findNow(key);
  }

  findNow(key: Uint8Array): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareEntry(this.#blocks[middle]!, 0, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** Makes a run of keys that come in their order. */
export class RunBuilder {
  readonly #slot: number;
  readonly #firstIndex: number;
  readonly #encoder: DirectoryEncoder;
  readonly #blocks: KeyBlock[] = [];

  /** No index is lower than `firstIndex`. */
  constructor(slot: number, firstIndex: number) {
    this.#slot = slot;
    this.#firstIndex = firstIndex;
    this.#encoder = new DirectoryEncoder(0, firstIndex);
  }

  add(entry: KeyEntry): void {
    const full = this.#encoder.add(entry);
    if (full !== undefined) this.#keep(full);
  }

  finish(): MemoryRun {
    const { blocks } = this.#encoder.counts;
    for (const bytes of this.#encoder.finish()) {
      // Fences are not needed: the blocks are there to be looked at.
      if (this.#blocks.length <= blocks) this.#keep(bytes);
    }
    return new MemoryRun(this.#blocks);
  }

  /** The encoder uses the memory of its blocks again. */
  #keep(bytes: Uint8Array): void {
    const small = trimmed(blockOf(bytes));
    const block = blockOf(small === bytes ? Uint8Array.from(bytes) : small);
    this.#blocks.push({ ...block, slot: this.#slot, firstIndex: this.#firstIndex });
  }
}
