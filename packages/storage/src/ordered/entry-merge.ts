import { EMPTY_BYTES } from '@dle/common';
import { compareRanges, entryAt } from '../directory/block-search.js';
import { DirectoryEntryView } from '../directory/directory-block.js';
import type { KeyBlock } from './key-blocks.js';

/** What a merge stopped for, where it is not a source that has to be filled. */
export const DONE = -1;
export const FOUND = -2;

/** A source, at one of its entries. */
interface Cursor {
  readonly source: number;
  readonly block: KeyBlock;
  readonly entry: DirectoryEntryView;
  place: number;
}

/**
 * Merges sources of keys, forwards or backwards, and shows every key once, with its newest record:
 * the one of the highest index. Where two have the same index they are copies of one another.
 * `native/merged-scan.c` does the same.
 */
export class EntryMerge {
  readonly #reverse: boolean;
  /** The sources that have an entry, as a binary heap. */
  readonly #heap: Cursor[] = [];
  /** The key shown last: other records of it are passed over. */
  #lastBytes: Uint8Array = EMPTY_BYTES;
  #lastStart = 0;
  #lastEnd = -1;
  /** Whether the entry at the top has been shown. */
  #shown = false;

  constructor(reverse: boolean) {
    this.#reverse = reverse;
  }

  /** The one that was found; good until the next call. */
  get entry(): DirectoryEntryView {
    return this.#heap[0]!.entry;
  }

  /** In which that lies. */
  get block(): KeyBlock {
    return this.#heap[0]!.block;
  }

  /** `source`, which has none at hand, goes on with the entry `place` of `block`. */
  fill(source: number, block: KeyBlock, place: number): void {
    const entry = new DirectoryEntryView(block.bytes);
    entry.moveTo(entryAt(block, place));
    this.#heap.push({ source, block, entry, place });
    this.#rise(this.#heap.length - 1);
  }

  /**
   * Goes on to the next key: `FOUND`, or the source that has to be filled first, or is at its end;
   * `DONE` when nothing is left of any.
   */
  next(): number {
    for (;;) {
      const top = this.#heap[0];
      if (top === undefined) return DONE;
      if (this.#shown || this.#isLast(top.entry)) {
        this.#shown = false;
        if (!this.#advance(top)) {
          this.#remove();
          return top.source;
        }
        this.#sink();
        continue;
      }
      const { bytes, keyStart, keyEnd } = top.entry;
      this.#lastBytes = bytes;
      this.#lastStart = keyStart;
      this.#lastEnd = keyEnd;
      this.#shown = true;
      return FOUND;
    }
  }

  #isLast({ bytes, keyStart, keyEnd }: DirectoryEntryView): boolean {
    const length = this.#lastEnd - this.#lastStart;
    if (length !== keyEnd - keyStart) return false;
    return compareRanges(bytes, keyStart, length, this.#lastBytes, this.#lastStart, length) === 0;
  }

  /** Whether there is another one in its block. */
  #advance(cursor: Cursor): boolean {
    const { entry, block } = cursor;
    if (this.#reverse) {
      if (cursor.place === 0) return false;
      entry.moveTo(entryAt(block, --cursor.place));
    } else {
      if (++cursor.place === block.count) return false;
      entry.moveTo(entry.end);
    }
    return true;
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
      if (!this.#precedes(heap[child]!, heap[parent]!)) return;
      [heap[parent], heap[child]] = [heap[child]!, heap[parent]!];
      child = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    const cursor = heap[0]!;
    const { length } = heap;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#precedes(heap[child]!, cursor)) break;
      heap[parent] = heap[child]!;
      parent = child;
    }
    heap[parent] = cursor;
  }

  /** By key; of the same key the newest first. */
  #precedes(a: Cursor, b: Cursor): boolean {
    const [entryA, entryB] = [a.entry, b.entry];
    const order = entryA.compareKey(entryB);
    if (order !== 0) return order < 0 !== this.#reverse;
    const indexA = a.block.firstIndex + entryA.relativeIndex;
    return indexA > b.block.firstIndex + entryB.relativeIndex;
  }
}
