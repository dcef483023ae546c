import type { Clock } from '@dle/common';
import type { Actor, VirtualTime } from './virtual-time.js';

/** The least that a timer of Node waits, in milliseconds. */
const LEAST_TIMER_MS = 1;

export interface LifeOptions {
  readonly number: number;
  /** How fast its clock runs; 1 is right. */
  readonly rate: number;
  /** What its clock shows when it begins, in milliseconds. */
  readonly startMs: number;
  /** Whether the machine that it runs on has gone off under it. */
  readonly isDown: () => boolean;
}

/**
 * One run of a process, from its start to its end: all that happens to it is bound to it, so
 * nothing of it reaches the next one.
 */
export class Life implements Actor {
  readonly number: number;
  readonly clock: Clock;
  pausedUntil = 0;
  readonly #isDown: () => boolean;
  #ended = false;

  constructor(time: VirtualTime, options: LifeOptions) {
    const { number, rate, startMs, isDown } = options;
    this.number = number;
    this.#isDown = isDown;
    const origin = time.now;
    this.clock = {
      now: () => startMs + (time.now - origin) * rate,
      setTimer: (callback, delayMs) =>
        time.schedule(Math.max(LEAST_TIMER_MS, delayMs / rate), this, callback),
      defer: (callback) => void time.schedule(0, this, callback),
    };
  }

  get gone(): boolean {
    return this.#ended || this.#isDown();
  }

  end(): void {
    this.#ended = true;
  }
}
