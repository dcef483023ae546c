import type { NodeId } from '../core/types.js';

/** Which node hears which: every direction of every link can be cut by itself. */
export class Links {
  readonly #cut = new Set<string>();

  isUp(from: NodeId, to: NodeId): boolean {
    return this.#cut.size === 0 || !this.#cut.has(`${from}>${to}`);
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(from: NodeId, to: NodeId): void {
    this.#cut.delete(`${from}>${to}`);
  }

  /** No side hears the other. */
  split(side: readonly NodeId[], otherSide: readonly NodeId[]): void {
    for (const a of side) {
      for (const b of otherSide) {
        this.cut(a, b);
        this.cut(b, a);
      }
    }
  }

  heal(): void {
    this.#cut.clear();
  }
}
