import type { StateMachine } from '@dle/raft';
import type { LogStore } from '@dle/storage';

/** The keys, as the state machine of consensus. */
export class StoreMachine implements StateMachine {
  readonly #store: LogStore;
  readonly #applied: (index: number) => void;
  /** Indexes of those deletes applied last that found their key: read by whoever waits for them. */
  readonly #found = new Set<number>();

  /** `applied` is called with the index up to which entries have just been applied. */
  constructor(store: LogStore, applied: (index: number) => void) {
    this.#store = store;
    this.#applied = applied;
  }

  get appliedIndex(): number {
    return this.#store.appliedIndex;
  }

  apply(index: number): void {
    this.#found.clear();
    this.#store.apply(index, (entry) => this.#found.add(entry));
    this.#applied(index);
  }

  /**
   * Whether the key of the entry at `index` was there before it. Known while its proposer is being
   * answered.
   */
  existedBefore(index: number): boolean {
    return this.#found.has(index);
  }
}
