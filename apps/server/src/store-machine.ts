import type { StateMachine } from '@dle/raft';
import type { LogStore } from '@dle/storage';

/** The keys, as the state machine of consensus. */
export class StoreMachine implements StateMachine {
  readonly #store: LogStore;
  /** Indexes of those deletes applied last that found their key: read by whoever waits for them. */
  readonly #found = new Set<number>();

  constructor(store: LogStore) {
    this.#store = store;
  }

  get appliedIndex(): number {
    return this.#store.appliedIndex;
  }

  apply(index: number): void {
    this.#found.clear();
    this.#store.apply(index, (entry, existed) => {
      if (existed) this.#found.add(entry);
    });
  }

  /**
   * Whether the key of the entry at `index` was there before it. Known while its proposer is being
   * answered.
   */
  existedBefore(index: number): boolean {
    return this.#found.has(index);
  }
}
