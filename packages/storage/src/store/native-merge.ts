import type { BlockMerge } from '../directory/block-merge.js';
import { BLOCK_HEADER_BYTES, type Block } from '../directory/directory-block.js';
import type { KeyIndex } from '../key-index/key-index.js';
import { SPLIT } from '../native/lookup.js';
import type { NativeIndex } from './native-index.js';

/** The merge in C, which adds keys by itself; it leaves only the splitting of pages. */
export class NativeMerge implements BlockMerge {
  readonly #native: NativeIndex;
  readonly #index: KeyIndex;
  /** C reads them where they are: they must stay. */
  readonly #blocks: (Block | undefined)[];

  constructor(native: NativeIndex, index: KeyIndex, sources: number) {
    this.#native = native;
    this.#index = index;
    this.#blocks = new Array<Block | undefined>(sources).fill(undefined);
    native.lookup.beginMerge(sources);
  }

  fill(source: number, block: Block, slot: number, firstIndex: number): void {
    this.#blocks[source] = block;
    const { bytes, end } = block;
    this.#native.lookup.fillMerge(source, bytes, BLOCK_HEADER_BYTES, end, slot, firstIndex);
  }

  run(): number {
    const { lookup, results } = this.#native;
    for (;;) {
      const outcome = lookup.runMerge();
      this.#index.grewBy(results[0]!);
      if (outcome !== SPLIT) return outcome;
      this.#index.splitFor(results[1]!);
    }
  }

  close(): void {
    this.#blocks.length = 0;
    this.#native.lookup.beginMerge(0);
  }
}
