import type { Block } from './directory-block.js';
import type { BlockSource } from './directory-file.js';

/**
 * The directories of files whose keys are disjoint and rise from file to file, read one after the
 * other as if they were one: however many there are, one of them is open.
 */
export class DisjointFiles<File> implements BlockSource {
  readonly #files: Iterator<File>;
  readonly #open: (file: File) => Promise<BlockSource>;
  #file: File | undefined;
  #current: BlockSource | undefined;

  constructor(files: Iterable<File>, open: (file: File) => Promise<BlockSource>) {
    this.#files = files[Symbol.iterator]();
    this.#open = open;
  }

  /** To which the block belongs that was returned last. */
  get file(): File {
    return this.#file!;
  }

  get segment(): number {
    return this.#current!.segment;
  }

  get firstIndex(): number {
    return this.#current!.firstIndex;
  }

  /** Rejects with what opening and reading do. */
  async next(): Promise<Block | undefined> {
    for (;;) {
      const block = await this.#current?.next();
      if (block !== undefined) return block;
      const file = this.#files.next();
      if (file.done === true) return undefined;
      await this.#current?.close();
      this.#current = undefined;
      this.#file = file.value;
      this.#current = await this.#open(file.value);
    }
  }

  async close(): Promise<void> {
    await this.#current?.close();
  }
}
