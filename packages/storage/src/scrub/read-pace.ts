import type { Clock } from '@dle/common';

/** Longer waits than this are made in pieces: a timer has its limits. */
const MOST_WAIT_MS = 3_600_000;

/** Has somebody read so many bytes a second, by waiting before each read. */
export class ReadPace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: () => number;
  #wake: (() => void) | undefined;
  #isOver = false;

  /** `bytesPerSecond` may change; 0: as many as can be, with a turn for others in between. */
  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** `bytes` are to be read. */
  waitFor(bytes: number): Promise<void> {
    const bytesPerSecond = this.#bytesPerSecond();
    return this.rest(bytesPerSecond === 0 ? 0 : (bytes / bytesPerSecond) * 1_000);
  }

  /** Resolves after so long, or at once when it is over. */
  async rest(ms: number): Promise<void> {
    let rest = ms;
    do {
      await this.#sleep(Math.min(rest, MOST_WAIT_MS));
      rest -= MOST_WAIT_MS;
    } while (rest > 0 && !this.#isOver);
  }

  /** Whoever waits goes on, and reads no more. */
  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) return resolve();
      if (ms === 0) return this.#clock.defer(resolve);
      const cancel = this.#clock.setTimer(() => this.#wake?.(), ms);
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
    });
  }
}
