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
