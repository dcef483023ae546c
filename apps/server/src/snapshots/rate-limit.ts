import type { Clock } from '@dle/common';

/**
 * Part of this thread's time that may go into what is let pass: clients wait for the rest. Small
 * records cost time rather than bandwidth.
 */
const SHARE_OF_TIME = 1 / 4;

/** Lets so many bytes pass in a second, evenly, and no more than this thread has time for. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When what has passed would have taken its time. */
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(components: { readonly clock: Clock }, bytesPerSecond: number) {
    this.#clock = components.clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` more may pass, which it has taken `tookMs` to prepare. */
  take(bytes: number, tookMs: number): Promise<void> {
    const now = this.#clock.now();
    const from = Math.max(now, this.#freeAt);
    const costsMs = (bytes / this.#bytesPerSecond) * 1_000;
    this.#freeAt = from + Math.max(costsMs, tookMs / SHARE_OF_TIME);
    if (from === now) return Promise.resolve();
    return new Promise((resolve) => {
      this.#clock.setTimer(resolve, from - now);
    });
  }
}
