import type { Logger } from '@dle/common';

/**
 * Callbacks of somebody else's: one that throws harms neither the caller nor the other listeners.
 */
export class Listeners<Arguments extends readonly unknown[]> {
  readonly #logger: Logger;
  readonly #listeners = new Set<(...values: Arguments) => void>();

  constructor(components: { readonly logger: Logger }) {
    this.#logger = components.logger;
  }

  /** Returns how to remove it again. */
  add(listener: (...values: Arguments) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  call(...values: Arguments): void {
    for (const listener of this.#listeners) {
      try {
        listener(...values);
      } catch (error) {
        this.#logger.error({ err: error }, 'a listener failed');
      }
    }
  }
}
