import type { Clock } from '@dle/common';

/** Time that passes only when told. */
export class VirtualClock implements Clock {
  #now = 0;
  #timers = new Set<{ readonly due: number; readonly callback: () => void }>();
  #deferred: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): () => void {
    const timer = { due: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Lets time pass, millisecond by millisecond, and whatever becomes due happen. */
  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed++) {
      this.#now++;
      for (const timer of [...this.#timers]) {
        if (timer.due > this.#now || !this.#timers.delete(timer)) continue;
        timer.callback();
      }
      await this.#settle();
    }
  }

  /** Lets everything happen that waits for no time. */
  async #settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      for (const callback of this.#deferred.splice(0)) callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
