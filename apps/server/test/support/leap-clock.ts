import { type Clock, systemClock } from '@dle/common';

/** Timers that wait for longer than this wait for a leap, in milliseconds. */
const LONG_MS = 20_000;

/** The clock of this machine, of which a test may leave out a while. */
export class LeapClock implements Clock {
  #leaptMs = 0;
  readonly #waiting = new Map<() => void, number>();

  now(): number {
    return systemClock.now() + this.#leaptMs;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    if (delayMs <= LONG_MS) return systemClock.setTimer(callback, delayMs);
    // Timers may share their callbacks.
    const own = (): void => callback();
    this.#waiting.set(own, this.now() + delayMs);
    return () => this.#waiting.delete(own);
  }

  defer(callback: () => void): void {
    systemClock.defer(callback);
  }

  /** It is `ms` later: what has waited for that is called. */
  leap(ms: number): void {
    this.#leaptMs += ms;
    for (const [callback, dueAt] of [...this.#waiting]) {
      if (dueAt > this.now() || !this.#waiting.delete(callback)) continue;
      callback();
    }
  }
}
