import { type Clock, DleError } from '@dle/common';
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

interface Pending {
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

/** The requests that wait for their responses, by id. One timer watches over all of them. */
export class PendingRequests {
  readonly #clock: Clock;
  readonly #byId = new Map<number, Pending>();
  #lastId = 0;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock;
  }

  get size(): number {
    return this.#byId.size;
  }

  /**
   * An id that no waiting request has: 1 to 2^32 - 1, then from the beginning. DLE_OVERLOADED if
   * too many wait.
   */
  nextId(): number {
    if (this.#byId.size >= MAX_PENDING_REQUESTS) {
      throw new DleError(
        'DLE_OVERLOADED',
        `${MAX_PENDING_REQUESTS} requests are under way on this connection`,
        { retryable: true },
      );
    }
    do this.#lastId = this.#lastId === MAX_ID ? 1 : this.#lastId + 1;
    while (this.#byId.has(this.#lastId));
    return this.#lastId;
  }

  /**
   * `waiter` gets the response to request `id`, once it comes; or fails with DLE_TIMEOUT,
   * DLE_ABORTED, or what `fail` or `failAll` say.
   */
  wait(id: number, waiter: Waiter, { frame, timeoutMs, signal }: PendingOptions): void {
    const deadline = this.#clock.now() + timeoutMs;
    // It has been queued and will leave, so nobody can say any more that it has no effect.
    const onAbort =
      signal === undefined ? undefined : () => this.fail(id, aborted(signal, 'unknown'));
    if (onAbort !== undefined) listenForAbort(signal!, onAbort);
    this.#byId.set(id, { waiter, frame, deadline, timeoutMs, signal, onAbort });
    this.#watch(deadline);
  }

  /** Whether anybody still waits for the response to request `id`. */
  has(id: number): boolean {
    return this.#byId.has(id);
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
    for (const [id, { frame }] of this.#byId) this.fail(id, frame > handedOver ? stayed : left);
  }

  #take(id: number): Pending | undefined {
    const pending = this.#byId.get(id);
    if (pending === undefined) return undefined;
    this.#byId.delete(id);
    if (pending.onAbort !== undefined)
      pending.signal!.removeEventListener('abort', pending.onAbort);
    return pending;
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
    for (const [id, { deadline, timeoutMs }] of this.#byId) {
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
