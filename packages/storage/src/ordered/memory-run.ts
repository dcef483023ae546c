import { concatBytes, readUint64 } from '@dle/common';
import type { KeyEntry } from '../directory/block-builder.js';
import { blockOf, trimmed } from '../directory/block-search.js';
import { BLOCK_BYTES } from '../directory/directory-block.js';
import { DirectoryEncoder } from '../directory/directory-encoder.js';
import { FirstKeys } from './first-keys.js';
import { KeyBlock, type KeyBlocks } from './key-blocks.js';
import type { Work } from './work.js';

/** Where a block has the index from which those of its entries are counted. */
const FIRST_INDEX_OFFSET = 8;

/**
 * Keys of one file in memory, sorted, each with its newest record. Never changes. It has the blocks
 * of a key directory, but the last one ends where its places do; checksums are of no matter, and in
 * place of the segment there is the index from which those of the entries are counted. In C:
 * `native/run.h`.
 *
 *   ├─ block, 16384 ─┼─ block, 16384 ─┼─ … ─┼─ block ─┤
 */
export class MemoryRun implements KeyBlocks {
  readonly bytes: Uint8Array;
  readonly keys: number;
  readonly #blocks: readonly KeyBlock[];
  #firstKeys: FirstKeys | undefined;

  /** `slot`: of the file. */
  constructor(bytes: Uint8Array, slot: number) {
    this.bytes = bytes;
    const blocks: KeyBlock[] = [];
    let keys = 0;
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = blockOf(bytes.subarray(at, at + BLOCK_BYTES));
      const view = new DataView(block.bytes.buffer, block.bytes.byteOffset);
      blocks.push(new KeyBlock(block, slot, readUint64(view, FIRST_INDEX_OFFSET)));
      keys += block.count;
    }
    this.#blocks = blocks;
    this.keys = keys;
  }

  get count(): number {
    return this.#blocks.length;
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
    this.#firstKeys ??= new FirstKeys(this.#blocks);
    return this.#firstKeys.find(key);
  }
}

/** Makes a run of keys that come in their order. */
export class RunBuilder {
  readonly #slot: number;
  readonly #encoder: DirectoryEncoder;
  readonly #blocks: Uint8Array[] = [];

  /** No index is lower than `firstIndex`. */
  constructor(slot: number, firstIndex: number) {
    this.#slot = slot;
    // As the segment, that is where a run has it.
    this.#encoder = new DirectoryEncoder(firstIndex, firstIndex);
  }

  add(entry: KeyEntry): void {
    const full = this.#encoder.add(entry);
    // The encoder uses the memory of its blocks again.
    if (full !== undefined) this.#blocks.push(Uint8Array.from(full));
  }

  /** There is one key at least. */
  finish(): MemoryRun {
    // Fences, which follow, are not needed: the blocks are there to be looked at.
    const { value: last } = this.#encoder.finish().next();
    this.#blocks.push(trimmed(blockOf(last!)));
    return new MemoryRun(concatBytes(this.#blocks), this.#slot);
  }
}
