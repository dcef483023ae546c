import { BLOCK_HEADER_BYTES, type Block, DirectoryEntryView } from './directory-block.js';

/** Nothing is left of any source. */
export const DONE = -1;

/** A key whose newest record has been found. */
export type OnNewest = (entry: DirectoryEntryView, source: number, slot: number) => void;

/**
 * Merges sorted directories: shows every key once, with its newest record, which is the one of the
 * highest index. A record that several sources have is shown as that of the first of them. It holds
 * one block of each source, and asks for the next when it has used it up.
 * `native/merge.c` does the same.
 */
export interface BlockMerge {
  /**
   * `source` goes on with `block`, of the directory of the segment at `slot`, whose entries count
   * their indexes from `firstIndex`.
   */
  fill(source: number, block: Block, slot: number, firstIndex: number): void;
  /**
   * Goes on until a source has to be filled, and returns that; one that is at its end is not filled
   * any more. `DONE` when all are.
   */
  run(): number;
  /** Lets go of the blocks. */
  close(): void;
}

interface Cursor {
  readonly source: number;
  readonly entry: DirectoryEntryView;
  readonly end: number;
  readonly slot: number;
  readonly firstIndex: number;
}

/** With a binary heap of the sources, by the keys they are at. */
export class TypescriptMerge implements BlockMerge {
  readonly #onNewest: OnNewest;
  readonly #heap: Cursor[] = [];
  /** Where the key shown last lies: older records of it are passed over. */
  #last: DirectoryEntryView | undefined;

  constructor(onNewest: OnNewest) {
    this.#onNewest = onNewest;
  }

  fill(source: number, block: Block, slot: number, firstIndex: number): void {
    const entry = new DirectoryEntryView(block.bytes);
    entry.moveTo(BLOCK_HEADER_BYTES);
    this.#heap.push({ source, entry, end: block.end, slot, firstIndex });
    this.#rise(this.#heap.length - 1);
  }

  run(): number {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return DONE;
      const { entry } = top;
      if (this.#last === undefined || this.#last.compareKey(entry) !== 0) {
        this.#onNewest(entry, top.source, top.slot);
        this.#last = entry.copy();
      }
      if (entry.end === top.end) {
        this.#remove();
        return top.source;
      }
      entry.moveTo(entry.end);
      this.#sink();
    }
  }

  close(): void {
    this.#heap.length = 0;
  }

  #remove(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink();
  }

  #rise(at: number): void {
    const heap = this.#heap;
    for (let child = at; child > 0; ) {
      const parent = (child - 1) >>> 1;
      if (precedes(heap[parent]!, heap[child]!)) return;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      child = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let parent = 0; ; ) {
      let least = parent;
      for (let child = 2 * parent + 1; child <= 2 * parent + 2 && child < heap.length; child++) {
        if (!precedes(heap[least]!, heap[child]!)) least = child;
      }
      if (least === parent) return;
      [heap[parent], heap[least]] = [heap[least]!, heap[parent]!];
      parent = least;
    }
  }
}

/** By key; of the same key the newest first, and of the same record that of the first source. */
function precedes(a: Cursor, b: Cursor): boolean {
  const order = a.entry.compareKey(b.entry);
  if (order !== 0) return order < 0;
  const newer = a.firstIndex + a.entry.relativeIndex - b.firstIndex - b.entry.relativeIndex;
  return newer === 0 ? a.source < b.source : newer > 0;
}
