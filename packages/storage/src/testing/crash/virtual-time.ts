import type { Clock } from '@dle/common';
import type { Dice } from './dice.js';

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

/**
 * Time that never waits: turns end when the run says so, and time passes when the run says so. It
 * does not go through the event loop, which is what makes thousands of crashes a second affordable.
 */
export class VirtualTime implements Clock {
  #now = 0;
  #deferred: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

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

  /** Whether anything is left to do without time passing. */
  get busy(): boolean {
    return this.#deferred.length > 0;
  }

  /** When the next timer is due, if there is any. */
  get nextDue(): number | undefined {
    if (this.#timers.size === 0) return undefined;
    return Math.min(...Array.from(this.#timers, ({ due }) => due));
  }

  /** Ends the present turn: calls back all who asked for it until now. */
  async turn(): Promise<void> {
    await drained();
    for (let left = this.#deferred.length; left > 0 && this.busy; left--) {
      await complete(this.#deferred.shift()!);
    }
  }

  /** Time passes, and what is due happens, in its order. */
  async pass(ms: number): Promise<void> {
    this.#now += ms;
    const due = [...this.#timers].filter((timer) => timer.due <= this.#now);
    due.sort((one, other) => one.due - other.due);
    for (const timer of due) {
      if (this.#timers.delete(timer)) await complete(timer.callback);
    }
  }

  /** The process is gone: what it had left to do never happens. */
  forget(): void {
    this.#deferred = [];
    this.#timers.clear();
  }
}

/**
 * Time as a device has it: what is asked of it takes some turns. Flushes and reads that are under
 * way at once overtake each other.
 */
export function slowClock(time: VirtualTime, dice: Dice, mostTurns: number): Clock {
  const wait = (callback: () => void, turns: number): void => {
    time.defer(turns === 0 ? callback : () => wait(callback, turns - 1));
  };
  return {
    now: () => time.now(),
    setTimer: (callback, delayMs) => time.setTimer(callback, delayMs),
    defer: (callback) => wait(callback, dice.below(mostTurns + 1)),
  };
}

/** Calls back, and lets happen what follows from it at once. */
async function complete(callback: () => void): Promise<void> {
  try {
    callback();
  } catch (cause) {
    throw new Error(`thrown into the event loop: ${cause}`, { cause });
  }
  await drained();
}

/**
 * Resolves when no promise has anything left to do: a tick that is asked for by a microtask comes
 * after all of them.
 */
function drained(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}
