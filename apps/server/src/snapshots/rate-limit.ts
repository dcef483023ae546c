import type { Clock } from '@dle/common';

/** Lets so many bytes pass in a second, evenly. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  /** When what has passed would have taken its time. */
  #freeAt = Number.NEGATIVE_INFINITY;

  constructor(components: { readonly clock: Clock }, bytesPerSecond: number) {
    this.#clock = components.clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resolves when `bytes` more may pass. */
  take(bytes: number): Promise<void> {
    const now = this.#clock.now();
    const from = Math.max(now, this.#freeAt);
    this.#freeAt = from + (bytes / this.#bytesPerSecond) * 1_000;
    if (from === now) return Promise.resolve();
    return new Promise((resolve) => {
      this.#clock.setTimer(resolve, from - now);
    });
  }
}
