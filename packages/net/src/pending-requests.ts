import { assert, type Clock, DleError } from '@dle/common';
import { listenForAbort } from './listen-for-abort.js';
import type { Reply, Waiter } from './types.js';

/**
 * Requests one connection may have under way. Each holds a promise and its place here, some 500
 * bytes.
 */
export const MAX_PENDING_REQUESTS = 65_536;

const MAX_ID = 0xffff_ffff;

/** Longest delay a timer of Node can be set to: beyond it, it would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Places there are at first. */
const FIRST_PLACES = 16;

interface Pending {
  readonly id: number;
  readonly waiter: Waiter;
  /** Number of its frame in the outbox. */
  readonly frame: number;
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onAbort: (() => void) | undefined;
}

export interface PendingOptions {
  readonly frame: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The requests that wait for their responses, by id. One timer watches over all of them.
 *
 * Each has the place in an array that the low bits of its id say; an id whose place is taken is
 * passed over. A `Map` from which as many go as come is made anew again and again, and each of them
 * refers to the next: once one has grown old, the collector keeps all that ever stood in those
 * behind it. That was a third of what a put cost a client.
 */
export class PendingRequests {
  readonly #clock: Clock;
  /** A power of two of places, at most half of them taken. */
  #places: (Pending | undefined)[] = new Array(FIRST_PLACES).fill(undefined);
  #size = 0;
  #lastId = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * An id that no waiting request has: 1 to 2^32 - 1, then from the beginning. DLE_OVERLOADED if
   * too many wait.
   */
  nextId(): number {
    if (this.#size >= MAX_PENDING_REQUESTS) {
      throw new DleError(
        'DLE_OVERLOADED',
        `${MAX_PENDING_REQUESTS} requests are under way on this connection`,
        { retryable: true },
      );
    }
    if (this.#size * 2 >= this.#places.length) this.#grow();
    do this.#lastId = this.#lastId === MAX_ID ? 1 : this.#lastId + 1;
    while (this.#places[this.#placeOf(this.#lastId)] !== undefined);
    return this.#lastId;
  }

  /**
   * `waiter` gets the response to request `id`, the one that `nextId` gave last, once it comes; or
   * fails with DLE_TIMEOUT, DLE_ABORTED, or what `fail` or `failAll` say.
   */
  wait(id: number, waiter: Waiter, { frame, timeoutMs, signal }: PendingOptions): void {
    const deadline = this.#clock.now() + timeoutMs;
    const onAbort = signal && this.#failOnAbort(id, signal);
    const place = this.#placeOf(id);
    assert(this.#places[place] === undefined, `request ${id} has no place`);
    this.#places[place] = { id, waiter, frame, deadline, timeoutMs, signal, onAbort };
    this.#size++;
    this.#watch(deadline);
  }

  #failOnAbort(id: number, signal: AbortSignal): () => void {
    // It has been queued and will leave, so nobody can say any more that it has no effect.
    const onAbort = (): void => this.fail(id, aborted(signal, 'unknown'));
    listenForAbort(signal, onAbort);
    return onAbort;
  }

  /** Whether anybody still waits for the response to request `id`. */
  has(id: number): boolean {
    return this.#places[this.#placeOf(id)]?.id === id;
  }

  succeed(id: number, reply: Reply): void {
    this.#take(id)?.waiter.succeed(reply);
  }

  fail(id: number, error: DleError): void {
    this.#take(id)?.waiter.fail(error);
  }

  /**
   * Fails all: of effect `none` those whose frame is beyond `handedOver`, the others of effect
   * `unknown`.
   */
  failAll(reason: DleError, handedOver: number): void {
    this.#cancelTimer?.();
    this.#timerAt = Number.POSITIVE_INFINITY;
    const options = { cause: reason, retryable: true };
    const left = new DleError('DLE_CONNECTION_LOST', reason.message, {
      ...options,
      effect: 'unknown',
    });
    const stayed = new DleError('DLE_CONNECTION_LOST', reason.message, {
      ...options,
      effect: 'none',
    });
    for (const { id, frame } of this.#all()) this.fail(id, frame > handedOver ? stayed : left);
  }

  #take(id: number): Pending | undefined {
    const place = this.#placeOf(id);
    const pending = this.#places[place];
    if (pending?.id !== id) return undefined;
    this.#places[place] = undefined;
    this.#size--;
    if (pending.onAbort !== undefined)
      pending.signal!.removeEventListener('abort', pending.onAbort);
    return pending;
  }

  #placeOf(id: number): number {
    return id & (this.#places.length - 1);
  }

  /** Ids that had places of their own still have: they differ in the same bits, and one more. */
  #grow(): void {
    const all = this.#all();
    this.#places = new Array(this.#places.length * 2).fill(undefined);
    for (const pending of all) this.#places[this.#placeOf(pending.id)] = pending;
  }

  /** Those that wait now, from the one asked first on. */
  #all(): Pending[] {
    const oldest = this.#placeOf(this.#lastId + 1);
    const inOrder = [...this.#places.slice(oldest), ...this.#places.slice(0, oldest)];
    return inOrder.filter((pending) => pending !== undefined);
  }

  /** Sets the timer to the earliest deadline; an answered request leaves it as it is. */
  #watch(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = deadline;
    const delayMs = Math.max(1, Math.ceil(deadline - this.#clock.now()));
    this.#cancelTimer = this.#clock.setTimer(() => this.#expire(), delayMs);
  }

  #expire(): void {
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const { id, deadline, timeoutMs } of this.#all()) {
      if (deadline > now) next = Math.min(next, deadline);
      else this.fail(id, timedOut(timeoutMs));
    }
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (next !== Number.POSITIVE_INFINITY) this.#watch(next);
  }
}

/** DLE_INVALID_ARGUMENT unless it is a time a timer can be set to. */
export function checkTimeout(timeoutMs: number): void {
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return;
  throw new DleError(
    'DLE_INVALID_ARGUMENT',
    `timeoutMs must be over 0 and below 2^31: ${timeoutMs}`,
  );
}

export function aborted(signal: AbortSignal, effect: 'none' | 'unknown'): DleError {
  return new DleError('DLE_ABORTED', 'aborted by the caller', { cause: signal.reason, effect });
}

function timedOut(timeoutMs: number): DleError {
  return new DleError('DLE_TIMEOUT', `no response within ${timeoutMs} ms`, {
    effect: 'unknown',
    retryable: true,
  });
}
