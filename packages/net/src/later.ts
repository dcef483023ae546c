import type { Answer } from './types.js';

/** How a request has ended: with what its handler threw, or with an answer. */
export type Outcome = (error: unknown, answer: Answer | undefined) => void;

/**
 * An answer to come. Whoever waits is told in the very call that brings it, where a promise takes
 * turns of its own: three of them were a sixth of what a put cost the node that leads.
 */
export class Later {
  #outcome: Outcome | undefined;
  #isSettled = false;
  #error: unknown;
  #answer: Answer | undefined;

  answer(answer: Answer): void {
    this.#settle(undefined, answer);
  }

  /** As if the handler had thrown `error`. */
  fail(error: unknown): void {
    this.#settle(error, undefined);
  }

  /** Has `outcome` told once: now, if it has ended already. */
  onSettled(outcome: Outcome): void {
    this.#outcome = outcome;
    if (this.#isSettled) outcome(this.#error, this.#answer);
  }

  #settle(error: unknown, answer: Answer | undefined): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#error = error;
    this.#answer = answer;
    this.#outcome?.(error, answer);
  }
}
