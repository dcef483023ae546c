import type { StateMachine } from '@dle/raft';
import type { LogStore } from '@dle/storage';

/** The keys, as the state machine of consensus. */
export class StoreMachine implements StateMachine {
  readonly #store: LogStore;
  readonly #applied: (index: number) => void;
  /**
   * Indexes of those deletes applied last that found their key, and whether that is certain: read
   * by whoever waits for them.
   */
  readonly #found = new Map<number, boolean>();

  /** `applied` is called with the index up to which entries have just been applied. */
  constructor(store: LogStore, applied: (index: number) => void) {
    this.#store = store;
    this.#applied = applied;
  }

  get appliedIndex(): number {
    return this.#store.appliedIndex;
  }

  apply(index: number): void {
    if (this.#found.size > 0) this.#found.clear();
    this.#store.apply(index, (entry, isCertain) => this.#found.set(entry, isCertain));
    this.#applied(index);
  }

  /**
   * Whether the key of the entry at `index` was there before it; `undefined`: damage keeps this
   * node from knowing. To be asked while its proposer is being answered.
   */
  existedBefore(index: number): boolean | undefined {
    const isCertain = this.#found.get(index);
    return isCertain === false ? undefined : isCertain === true;
  }
}
