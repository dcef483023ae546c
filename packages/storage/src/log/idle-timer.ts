import type { Clock } from '@dle/common';

/**
 * Calls back once nothing has happened for a while. Touching it costs a look at the clock, and no
 * timer.
 */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #callback: () => void;
  #lastTouch = 0;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(clock: Clock, delayMs: number, callback: () => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#callback = callback;
  }

  /** Something happens. */
  touch(): void {
    if (this.#stopped) return;
    this.#lastTouch = this.#clock.now();
    this.#cancel ??= this.#clock.setTimer(() => this.#expire(), this.#delayMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #expire(): void {
    this.#cancel = undefined;
    const left = this.#lastTouch + this.#delayMs - this.#clock.now();
    if (left <= 0) this.#callback();
    // Never less than a millisecond: a timer may be early by a fraction of one.
    else this.#cancel = this.#clock.setTimer(() => this.#expire(), Math.max(1, left));
  }
}
