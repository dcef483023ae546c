import type { CoreState } from './core-state.js';

interface Asking {
  readonly round: number;
  /** Commit index when the round began: at least what was committed when its reads arrived. */
  readonly index: number;
  readonly ids: readonly number[];
}

/**
 * Linearizable reads without writing (dissertation section 6.4). A read may be served at the commit
 * index that the leader had when it began to ask, once a quorum has answered a question asked later
 * than the read. One round is under way at a time and serves all reads that gathered during the one
 * before.
 */
export class ReadRounds {
  readonly #state: CoreState;
  #waiting: number[] = [];
  #asking: Asking | undefined;

  constructor(state: CoreState) {
    this.#state = state;
  }

  get pending(): number {
    return this.#waiting.length + (this.#asking?.ids.length ?? 0);
  }

  add(id: number): void {
    this.#waiting.push(id);
  }

  /**
   * Begins a round if there is one to begin; the caller then asks. Not before this leader has
   * committed in its own term: until then others may know of commits that it does not.
   */
  begin(): boolean {
    const state = this.#state;
    if (this.#asking !== undefined || this.#waiting.length === 0) return false;
    if (state.log.termAt(state.commit) !== state.term) return false;
    this.#asking = { round: ++state.round, index: state.commit, ids: this.#waiting };
    this.#waiting = [];
    return true;
  }

  /** A quorum has answered `round` or a later one. Whether that ends the round under way. */
  confirmed(round: number): boolean {
    if (this.#asking === undefined || round < this.#asking.round) return false;
    const { ids, index } = this.#asking;
    this.#asking = undefined;
    this.#state.emit({ type: 'readable', ids, index });
    return true;
  }

  /** Nobody will confirm any more. */
  refuseAll(): void {
    const ids = [...(this.#asking?.ids ?? []), ...this.#waiting];
    this.#asking = undefined;
    this.#waiting = [];
    if (ids.length > 0) this.#state.emit({ type: 'readRefused', ids });
  }
}
