import type { Clock } from '@dle/common';

/** Shorter waits than this are not worth a timer. */
const MIN_WAIT_MS = 5;

/** Keeps a job from doing more than so many bytes a second, on the average since it began. */
export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #start: number;

  /** 0: as fast as can be. */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#start = clock.now();
  }

  /** `bytes` have been done by now: waits until they may have been. */
  async keep(bytes: number): Promise<void> {
    if (this.#bytesPerMs === 0) return;
    const wait = this.#start + bytes / this.#bytesPerMs - this.#clock.now();
    if (wait < MIN_WAIT_MS) return;
    await new Promise<void>((resolve) => {
      this.#clock.setTimer(resolve, wait);
    });
  }
}

/** Two looks that lie closer to each other say little about what goes on. */
const MIN_SPAN_MS = 50;

/** How fast something grows, from one look to the next. */
export class GrowthRate {
  readonly #clock: Clock;
  #lookedAt: number;
  #bytes: number;
  #perSecond = 0;

  /** `bytes`: there are now. */
  constructor(clock: Clock, bytes: number) {
    this.#clock = clock;
    this.#lookedAt = clock.now();
    this.#bytes = bytes;
  }

  /** There are `bytes` now: how many have come in a second since the last look. */
  look(bytes: number): number {
    const span = this.#clock.now() - this.#lookedAt;
    if (span < MIN_SPAN_MS) return this.#perSecond;
    this.#perSecond = (Math.max(0, bytes - this.#bytes) / span) * 1_000;
    this.#lookedAt += span;
    this.#bytes = bytes;
    return this.#perSecond;
  }
}
