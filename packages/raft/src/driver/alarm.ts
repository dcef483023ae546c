import type { Clock } from '@dle/common';

/**
 * One timer that is moved often and rings seldom: it is set anew only to ring earlier, and rings
 * too early where it was moved on. Whoever it wakes looks at the clock.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: { readonly due: number; readonly cancel: () => void } | undefined;

  constructor(components: { readonly clock: Clock }, ring: () => void) {
    this.#clock = components.clock;
    this.#ring = ring;
  }

  /** Rings at `due`, or earlier; `Infinity`: need not. */
  set(due: number): void {
    if (due === Number.POSITIVE_INFINITY) return;
    if (this.#timer !== undefined && this.#timer.due <= due) return;
    this.cancel();
    const ring = (): void => {
      this.#timer = undefined;
      this.#ring();
    };
    const cancel = this.#clock.setTimer(ring, Math.max(0, due - this.#clock.now()));
    this.#timer = { due, cancel };
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
