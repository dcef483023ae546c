import { type Clock, DleError } from '@dle/common';
import { listenForAbort } from './listen-for-abort.js';
import { aborted, checkTimeout } from './pending-requests.js';
import type { Rpc } from './rpc.js';

const DEFAULT_TIMEOUT_MS = 10_000;
/** An interval nobody waits for, in milliseconds: about 12 days. */
const NEVER_MS = 2 ** 30;

export interface ConnectOptions {
  /** How long to wait for a connection, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly resolve: (rpc: Rpc) => void;
  readonly reject: (error: DleError) => void;
}

/**
 * Those who wait for a connection. While there are any, the process stays alive: between two
 * attempts nothing else holds it.
 */
export class ConnectWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #hold: NodeJS.Timeout | undefined;

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock;
  }

  /** The next connection; DLE_TIMEOUT, caused by what `lastError` then says, or DLE_ABORTED. */
  wait(options: ConnectOptions, lastError: () => DleError | undefined): Promise<Rpc> {
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    return new Promise((resolve, reject) => {
      checkTimeout(timeoutMs);
      if (signal?.aborted) throw aborted(signal, 'none');
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', onAbort);
        this.#remove(waiter);
      };
      const waiter: Waiter = {
        resolve: (rpc) => {
          done();
          resolve(rpc);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.reject(aborted(signal!, 'none'));
      const cancel = this.#clock.setTimer(
        () => waiter.reject(timedOut(timeoutMs, lastError())),
        timeoutMs,
      );
      if (signal !== undefined) listenForAbort(signal, onAbort);
      this.#waiters.add(waiter);
      this.#hold ??= setInterval(() => {}, NEVER_MS);
    });
  }

  resolveAll(rpc: Rpc): void {
    for (const waiter of this.#waiters) waiter.resolve(rpc);
  }

  rejectAll(error: DleError): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #remove(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0) return;
    clearInterval(this.#hold);
    this.#hold = undefined;
  }
}

function timedOut(timeoutMs: number, lastError: DleError | undefined): DleError {
  const why = lastError === undefined ? '' : `: ${lastError.message}`;
  return new DleError('DLE_TIMEOUT', `no connection within ${timeoutMs} ms${why}`, {
    cause: lastError,
    retryable: true,
  });
}
