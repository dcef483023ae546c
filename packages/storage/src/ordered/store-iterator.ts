import { DleError } from '@dle/common';
import { copyOf } from '../bytes.js';
import { bytesOf } from '../store/bytes-like.js';
import type { BytesLike } from '../store/types.js';
import type { Pace } from './pace.js';
import { type Bound, isWithin, type Range } from './range.js';
import { AT_START, DONE, MORE, type Scan, type ScanOptions, type Shape } from './scan.js';
import { SourceCursor } from './source-cursor.js';
import type { View } from './view.js';
import { together, type Work } from './work.js';

/** Sources that are begun in one go: a millisecond or two. */
const BEGUN_AT_ONCE = 256;
/** What `next` fetches ahead: few at first, for who wants few; then more and more. */
const FIRST_AHEAD = 8;
const MAX_AHEAD = 512;
/** Bytes that are read at a time, roughly: large values come in smaller numbers. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_AHEAD_BYTES = 256 * 1024;

/** What an iterator needs of the store. */
export interface IteratorHost {
  readonly pace: Pace;
  scan(options: ScanOptions): Scan;
  /** Does it now as far as possible; the store waits for the rest before it closes. */
  begin<T>(work: Work<T>): T | Promise<T>;
  readonly isClosed: boolean;
  /** Throws `DLE_CLOSED` if the store is closed. */
  checkOpen(): void;
  /** The iterator needs its view no more. */
  closed(iterator: object, view: View): void;
}

export interface IteratorParts {
  readonly view: View;
  readonly range: Range;
  readonly shape: Shape;
  readonly signal: AbortSignal | undefined;
  /** Why nothing can be read from it, if so. */
  readonly refusal?: DleError | undefined;
}

/**
 * Goes through the keys of a range, in order, as they were when it was made, whatever is written
 * meanwhile. Each call does what it has to in slices of a few milliseconds. What it gives is the
 * caller's, but may share its `ArrayBuffer` with others: a value that is kept keeps some tens of
 * kilobytes around it. To be closed, unless it was used up by `for await` or `all`; one that is
 * forgotten is closed when it is collected.
 *
 * Calls reject with `DLE_CLOSED`, `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`, or the reason of the signal.
 */
export class StoreIterator<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly #host: IteratorHost;
  readonly #parts: IteratorParts;
  #scan: Scan | undefined;
  #cursors: SourceCursor[] = [];
  /** Where it begins, or goes on after a `seek`. */
  #start: Bound | undefined;
  /** Nothing is left: it is at its end, or was told to be beyond it. */
  #ended = false;
  /** Fetched, and not yet given to anybody. */
  #ahead: T[] = [];
  #taken = 0;
  #aheadSize = FIRST_AHEAD;
  #given = 0;
  /** What it met behind that which it has given: it does not pass over a key that is damaged. */
  #failure: unknown;
  /** The call that is under way; the next waits for it. */
  #pending: Promise<unknown> | undefined;
  #closed = false;
  #released = false;

  /** @internal */
  constructor(host: IteratorHost, parts: IteratorParts) {
    this.#host = host;
    this.#parts = parts;
    const { range } = parts;
    this.#start = range.reverse ? range.upper : range.lower;
  }

  /** The next one, as an iterator has it: `{ done: true }` at the end. */
  next(): Promise<IteratorResult<T, undefined>> {
    const isReady = this.#pending === undefined && this.#taken < this.#ahead.length;
    if (isReady && this.#parts.signal === undefined && !this.#isStopped()) {
      this.#given++;
      return Promise.resolve({ done: false, value: this.#ahead[this.#taken++]! });
    }
    return this.#inTurn(() => this.#nextOne());
  }

  /**
   * The next `count`, or fewer at the end, or where they are large; an empty array if there is
   * none left. The cheapest way to read many.
   */
  nextv(count: number): Promise<T[]> {
    if (!Number.isSafeInteger(count) || count < 1) {
      const message = `nextv takes a whole number from 1, not ${String(count)}`;
      return Promise.reject(new DleError('DLE_INVALID_ARGUMENT', message));
    }
    return this.#inTurn(() => this.#take(count));
  }

  /** All that are left; then it is closed. */
  async all(): Promise<T[]> {
    const all: T[] = [];
    try {
      for (;;) {
        const some = await this.nextv(MAX_AHEAD);
        if (some.length === 0) return all;
        for (const one of some) all.push(one);
      }
    } finally {
      await this.close();
    }
  }

  /**
   * Goes on at `target`, or where there is no such key at the next one, in the direction in which
   * it reads; forth or back. Beyond its range it is at its end. What was given before counts
   * towards the limit. Throws `DLE_INVALID_ARGUMENT` while another call is under way.
   */
  seek(target: BytesLike): void {
    this.#check();
    if (this.#pending !== undefined) {
      const message = 'a call of the iterator is under way: wait for it before seek';
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    const { range } = this.#parts;
    const key = copyOf(bytesOf(target));
    this.#start = { key, inclusive: true };
    this.#scan?.close();
    this.#scan = undefined;
    this.#ahead = [];
    this.#taken = 0;
    this.#aheadSize = FIRST_AHEAD;
    this.#ended = !isWithin(range, key);
    this.#failure = undefined;
  }

  /** Lets go of what it holds. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#pending !== undefined) await this.#pending.catch(() => undefined);
    this.#letGo();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For `for await`: closes it at the end, and where the loop is left before. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        const result = await this.next();
        if (result.done === true) await this.close();
        return result;
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Does `work` once all calls before are done. */
  #inTurn<R>(work: () => Work<R>): Promise<R> {
    const before = this.#pending;
    if (before !== undefined) {
      return this.#waitFor(
        before
          .catch(() => undefined)
          .then(() => {
            this.#check();
            return this.#unlessAborted(this.#host.begin(work()));
          }),
      );
    }
    try {
      this.#check();
      const result = this.#unlessAborted(this.#host.begin(work()));
      return result instanceof Promise ? this.#waitFor(result) : Promise.resolve(result);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** A call that is made before the signal comes rejects, too, even if all was at hand. */
  #unlessAborted<R>(result: R | Promise<R>): R | Promise<R> {
    if (this.#parts.signal === undefined) return result;
    return Promise.resolve(result).then((done) => {
      this.#check();
      return done;
    });
  }

  #waitFor<R>(promise: Promise<R>): Promise<R> {
    const done = (): void => {
      if (this.#pending === promise) this.#pending = undefined;
    };
    this.#pending = promise;
    promise.then(done, done);
    return promise;
  }

  *#nextOne(): Work<IteratorResult<T, undefined>> {
    if (this.#taken === this.#ahead.length) {
      const count = Math.min(this.#aheadSize, this.#left);
      this.#ahead = yield* this.#fetch([], count, MAX_AHEAD_BYTES);
      this.#taken = 0;
      this.#aheadSize = Math.min(this.#aheadSize * 4, MAX_AHEAD);
    }
    if (this.#taken === this.#ahead.length) return { done: true, value: undefined };
    this.#given++;
    return { done: false, value: this.#ahead[this.#taken++]! };
  }

  *#take(wanted: number): Work<T[]> {
    const count = Math.min(wanted, this.#left);
    const some = this.#ahead.slice(this.#taken, this.#taken + count);
    this.#taken += some.length;
    if (some.length < count) yield* this.#fetch(some, count, MAX_BYTES);
    this.#given += some.length;
    return some;
  }

  /** How many may be given. */
  get #left(): number {
    return this.#parts.range.limit - this.#given;
  }

  /** Adds to `into` until it holds `count`, or what was added about `maxBytes`; returns it. */
  *#fetch(into: T[], count: number, maxBytes: number): Work<T[]> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      if (!this.#ended && into.length < count) yield* this.#scanInto(into, count, maxBytes);
    } catch (thrown) {
      if (this.#isStopped()) throw thrown;
      this.#failure = thrown;
      if (into.length === 0) throw thrown;
    }
    return into;
  }

  *#scanInto(into: T[], count: number, maxBytes: number): Work<void> {
    const { pace } = this.#host;
    let since = pace.now();
    const scan = this.#scan ?? (yield* this.#begin());
    this.#scan = scan;
    const mostBytes = scan.bytes + maxBytes;
    while (into.length < count && scan.bytes < mostBytes) {
      const stop = scan.run(into, count);
      if (stop === DONE) this.#ended = true;
      else if (stop !== MORE) {
        const cursor = this.#cursors[stop]!;
        const block = yield* cursor.next();
        this.#check();
        if (block !== undefined) scan.fill(stop, block, cursor.firstPlace(block));
      }
      const now = pace.now();
      if (pace.isOver(since, now)) {
        yield pace.pause;
        this.#check();
        since = pace.now();
      } else since = now;
      if (this.#ended) return;
    }
  }

  /** Has all sources begin where the range does. */
  *#begin(): Work<Scan> {
    const { range, shape, view } = this.#parts;
    const { reverse } = range;
    const sources = yield* view.sources.all();
    this.#check();
    const start = this.#start;
    const end = reverse ? range.lower : range.upper;
    const scan = this.#host.scan({ shape, reverse, sources: sources.length, start, end });
    const cursors = sources.map((blocks) => new SourceCursor(blocks, reverse));
    for (let from = 0; from < cursors.length; from += BEGUN_AT_ONCE) {
      if (from > 0) yield this.#host.pace.pause;
      const waiting: number[] = [];
      for (let at = from; at < Math.min(from + BEGUN_AT_ONCE, cursors.length); at++) {
        const block = cursors[at]!.beginNow(start);
        if (block === undefined) waiting.push(at);
        else scan.fill(at, block, AT_START);
      }
      if (waiting.length === 0) continue;
      const blocks = yield* together(waiting.map((at) => cursors[at]!.begin(start)));
      this.#check();
      for (const [place, at] of waiting.entries()) scan.fill(at, blocks[place]!, AT_START);
    }
    this.#cursors = cursors;
    return scan;
  }

  #isStopped(): boolean {
    return this.#closed || this.#host.isClosed || this.#parts.signal?.aborted === true;
  }

  /** Throws if it is closed, or is to end. */
  #check(): void {
    const { refusal, signal } = this.#parts;
    if (signal?.aborted === true) {
      this.#letGo();
      throw signal.reason;
    }
    if (this.#closed) throw new DleError('DLE_CLOSED', 'the iterator is closed');
    this.#host.checkOpen();
    if (refusal !== undefined) throw refusal;
  }

  #letGo(): void {
    this.#scan?.close();
    this.#scan = undefined;
    this.#cursors = [];
    this.#ahead = [];
    this.#taken = 0;
    if (this.#released) return;
    this.#released = true;
    this.#host.closed(this, this.#parts.view);
  }
}
