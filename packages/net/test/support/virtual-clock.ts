import type { Clock } from '@dle/common';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Time that passes only when told to. Deferred work still runs at the end of the real turn: sockets
 * are real.
 */
export class VirtualClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  /** How long until each timer that is set, in rising order. */
  get delays(): readonly number[] {
    return [...this.#timers].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  /** Lets time pass, and runs what becomes due, in order. */
  advance(delayMs: number): void {
    const end = this.#now + delayMs;
    while (true) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}
