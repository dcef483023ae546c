import { assert } from '@dle/common';

interface EntryWrite {
  readonly write: number;
  /** Last index for which this write still speaks. */
  lastIndex: number;
}

/**
 * Numbers what is written to the log and knows how much of it is on the device. Completions are by
 * number, not by index: an index may be written again for another leader's entry while the first
 * write is still under way, and the first completion must not vouch for the second.
 */
export class Writes {
  #last = 0;
  #flushed = 0;
  #durableIndex: number;
  /** Entries under way to the device, in order of their writes; last indexes never fall. */
  #pending: EntryWrite[] = [];
  /** When the writes under way were asked for: the first of each moment. */
  #asked: { readonly write: number; readonly at: number }[] = [];

  constructor(durableIndex: number) {
    this.#durableIndex = durableIndex;
  }

  /** The entries up to here, as the log now has them, are on the device. */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** When the oldest write under way was asked for; `Infinity`: none is. */
  get waitingSince(): number {
    if (this.#flushed === this.#last) return Number.POSITIVE_INFINITY;
    return this.#asked[0]!.at;
  }

  /** Numbers a write that changes no entry. */
  next(now: number): number {
    const write = ++this.#last;
    if (this.#asked.at(-1)?.at !== now) this.#asked.push({ write, at: now });
    return write;
  }

  /**
   * Numbers a write of the entries from `firstIndex` to `lastIndex`, in place of what was there.
   */
  entries(firstIndex: number, lastIndex: number, now: number): number {
    this.#durableIndex = Math.min(this.#durableIndex, firstIndex - 1);
    if ((this.#pending.at(-1)?.lastIndex ?? 0) >= firstIndex) this.#disown(firstIndex);
    const write = this.next(now);
    this.#pending.push({ write, lastIndex });
    return write;
  }

  /**
   * Entries from `firstIndex` on are being replaced: what was written there before no longer
   * counts.
   */
  #disown(firstIndex: number): void {
    for (const pending of this.#pending) {
      pending.lastIndex = Math.min(pending.lastIndex, firstIndex - 1);
    }
  }

  /** Everything up to `write` is on the device. */
  flushed(write: number): void {
    assert(write >= 0 && write <= this.#last, `write ${write} was never asked for`);
    this.#flushed = Math.max(this.#flushed, write);
    let done = 0;
    for (const pending of this.#pending) {
      if (pending.write > write) break;
      this.#durableIndex = Math.max(this.#durableIndex, pending.lastIndex);
      done++;
    }
    if (done > 0) this.#pending.splice(0, done);
    this.#forgetAsked();
  }

  /** Keeps what the oldest write under way was asked for with, and later ones. */
  #forgetAsked(): void {
    const oldest = this.#flushed + 1;
    if (oldest > this.#last) this.#asked = [];
    while (this.#asked.length > 1 && this.#asked[1]!.write <= oldest) this.#asked.shift();
  }

  isFlushed(write: number): boolean {
    return write <= this.#flushed;
  }

  /** The write after whose flush the entries up to `index` are durable; 0: they are. */
  holding(index: number): number {
    if (index <= this.#durableIndex) return 0;
    const pending = this.#pending.find(({ lastIndex }) => lastIndex >= index);
    assert(pending !== undefined, `entry ${index} was never written`);
    return pending.write;
  }
}
