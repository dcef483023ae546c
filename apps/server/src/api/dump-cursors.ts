import { type DumpPage, type Pair, PairsWriter } from '@dle/client/protocol';
import { type Clock, DleError, type Random, randomId } from '@dle/common';
import type { KeySnapshot, LogStore } from '@dle/storage';

/** Dumps that may be under way at once: each holds a copy of all positions. */
const MAX_CURSORS = 8;
/** Pairs are read from the snapshot in portions of this many bytes. */
const PORTION_BYTES = 64 * 1024;
/** A client that asks for no page in this time has gone. */
const IDLE_MS = 60_000;

interface Cursor {
  readonly snapshot: KeySnapshot;
  /** Read, and too much for the page before. */
  pairs: Pair[];
  /** Pages are numbered: asking for one twice, or leaving one out, must not go unnoticed. */
  page: number;
  cancelTimer: () => void;
}

/** The dumps under way on this node: each shows all pairs as they were at one index. */
export class DumpCursors {
  readonly #store: LogStore;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #cursors = new Map<string, Cursor>();
  #closed = false;

  constructor(components: {
    readonly store: LogStore;
    readonly clock: Clock;
    readonly random: Random;
  }) {
    this.#store = components.store;
    this.#clock = components.clock;
    this.#random = components.random;
  }

  /** The first page of a new dump of the state as it is now. */
  first(maxBytes: number): DumpPage {
    if (this.#closed) throw new DleError('DLE_CLOSED', 'the store is closed', { retryable: true });
    if (this.#cursors.size >= MAX_CURSORS) {
      const message = `${MAX_CURSORS} dumps are under way on this node; try again later`;
      throw new DleError('DLE_OVERLOADED', message, { retryable: true });
    }
    const id = randomId(this.#random);
    const snapshot = this.#store.snapshotKeys();
    this.#cursors.set(id, { snapshot, pairs: [], page: 0, cancelTimer: () => {} });
    return this.#page(id, maxBytes);
  }

  /** The page that `cursor` asks for. */
  next(cursor: string, maxBytes: number): DumpPage {
    const [id = '', page] = cursor.split('.');
    const found = this.#cursors.get(id);
    if (found === undefined || Number(page) !== found.page) {
      throw new DleError(
        'DLE_CURSOR_LOST',
        'this node knows no such dump any longer, for it was not asked for the next page in time, ' +
          'or has opened its data anew: begin it again',
      );
    }
    return this.#page(id, maxBytes);
  }

  release(cursor: string): void {
    this.#close(cursor.split('.')[0] ?? '');
  }

  /** Ends them all, and begins none any more. */
  closeAll(): void {
    this.#closed = true;
    for (const id of [...this.#cursors.keys()]) this.#close(id);
  }

  #page(id: string, maxBytes: number): DumpPage {
    const cursor = this.#cursors.get(id)!;
    cursor.cancelTimer();
    const pairs = new PairsWriter(maxBytes);
    const done = this.#fill(id, cursor, pairs);
    const page = { count: pairs.count, index: cursor.snapshot.index, pairs: pairs.bytes };
    if (done) {
      this.#close(id);
      return page;
    }
    cursor.page++;
    cursor.cancelTimer = this.#clock.setTimer(() => this.#close(id), IDLE_MS);
    return { ...page, cursor: `${id}.${cursor.page}` };
  }

  /** Adds what fits; whether nothing is left then. A damaged record ends the dump. */
  #fill(id: string, cursor: Cursor, page: PairsWriter): boolean {
    try {
      for (;;) {
        if (cursor.pairs.length === 0) cursor.pairs = cursor.snapshot.next(PORTION_BYTES);
        if (cursor.pairs.length === 0) return true;
        const fitting = cursor.pairs.findIndex(({ key, value }) => !page.add(key, value));
        cursor.pairs = fitting === -1 ? [] : cursor.pairs.slice(fitting);
        if (fitting !== -1) return false;
      }
    } catch (thrown) {
      this.#close(id);
      throw thrown;
    }
  }

  #close(id: string): void {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) return;
    this.#cursors.delete(id);
    cursor.cancelTimer();
    cursor.snapshot.close();
  }
}
