import type { Clock } from '@dle/common';

/** Wakes those who wait, all at once. */
export class Bell {
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /**
   * Resolves when the bell rings, when `timeoutMs` have passed, or when `signal` aborts; it does
   * not say which.
   */
  wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiters.delete(wake);
        signal?.removeEventListener('abort', wake);
        cancel();
        resolve();
      };
      const cancel = this.#clock.setTimer(wake, timeoutMs);
      this.#waiters.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }
}
