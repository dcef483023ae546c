import type { Clock } from '@dle/common';

/** Turns end as they do; time stands still until `pass` is called. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly due: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { due: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  /** Lets `ms` pass, and what is due happen. */
  pass(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.due > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

/** Lets some turns of the event loop go by: enough for a write and its flush. */
export async function turns(count: number = 12): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
