import type { Clock } from '@dle/common';
import type { Wait } from './work.js';

/** After so much work others get the thread. */
const SLICE_MS = 3;

/**
 * Sees to it that reads do not keep the thread from others. What is at hand is given without
 * waiting for anything, call after call, so it is not a single call that has to be short, but all
 * of them together between two pauses.
 */
export class Pace {
  /** Lets others have the thread for a moment. */
  readonly pause: Wait;
  readonly #clock: Clock;
  #spentMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.pause = {
      now: () => undefined,
      later: () => new Promise((resolve) => clock.defer(resolve)),
    };
  }

  now(): number {
    return this.#clock.now();
  }

  /** Something has been done from `since` to `now`: whether it is time for a pause. */
  isOver(since: number, now: number): boolean {
    this.#spentMs += now - since;
    if (this.#spentMs < SLICE_MS) return false;
    this.#spentMs = 0;
    return true;
  }
}
