import type { Clock } from '@dle/common';

/** A wait that can be cut short. */
export class Pause {
  readonly #clock: Clock;
  #end: (() => void) | undefined;

  constructor(components: { readonly clock: Clock }) {
    this.#clock = components.clock;
  }

  begin(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.setTimer(resolve, delayMs);
      this.#end = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Ends the wait under way, if there is one. */
  end(): void {
    this.#end?.();
  }
}
