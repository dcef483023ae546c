import { EntryBatch } from './entry-batch.js';

/**
 * A batch that keeps alive more than this many times its own bytes is copied: network buffers are
 * large.
 */
const MAX_WASTE = 2;

/**
 * The newest entries of the log, without gaps up to its last. Bounded in bytes, but never drops
 * what is not yet in the files.
 */
export class TailCache {
  readonly #maxBytes: number;
  /** In order, from `#first` on: dropping the oldest moves the others only now and then. */
  #batches: EntryBatch[] = [];
  #first = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Lowest index held; infinite if none is. */
  get firstIndex(): number {
    return this.#batches[this.#first]?.firstIndex ?? Number.POSITIVE_INFINITY;
  }

  add(batch: EntryBatch): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes.length;
  }

  /** Drops the entries from `index` on. */
  truncate(index: number): void {
    while (this.#batches.length > this.#first && this.#batches.at(-1)!.lastIndex >= index) {
      const batch = this.#batches.pop()!;
      this.#bytes -= batch.bytes.length;
      if (batch.firstIndex < index) this.add(batch.slice(batch.firstIndex, index - 1));
    }
  }

  /**
   * Drops the oldest batches above the bound. To be called when all that is held lies in the files.
   */
  trim(): void {
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  /** Drops the batches that end below `index`. */
  releaseBelow(index: number): void {
    while ((this.#batches[this.#first]?.lastIndex ?? index) < index) this.#dropOldest();
  }

  /** The batch that holds `index`, whole. */
  batchOf(index: number): EntryBatch | undefined {
    return this.#batches[this.#placeOf(index)];
  }

  /** The entries `from` to `to`, all of which must be held. */
  read(from: number, to: number): EntryBatch {
    const parts: EntryBatch[] = [];
    for (let place = this.#placeOf(from); ; place++) {
      const batch = this.#batches[place]!;
      parts.push(batch.slice(Math.max(from, batch.firstIndex), Math.min(to, batch.lastIndex)));
      if (batch.lastIndex >= to) return EntryBatch.join(parts);
    }
  }

  #dropOldest(): void {
    this.#bytes -= this.#batches[this.#first]!.bytes.length;
    this.#first++;
    if (this.#first * 2 <= this.#batches.length) return;
    this.#batches.splice(0, this.#first);
    this.#first = 0;
  }

  #placeOf(index: number): number {
    let low = this.#first;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#batches[middle]!.firstIndex <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1 < this.#first ? -1 : low - 1;
  }
}

/** The batch itself, or a copy of it if it would keep a much larger buffer alive. */
export function withoutWaste(batch: EntryBatch): EntryBatch {
  if (batch.bytes.buffer.byteLength <= batch.bytes.length * MAX_WASTE) return batch;
  return batch.copy();
}
