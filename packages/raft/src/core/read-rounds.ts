import type { CoreState } from './core-state.js';
import type { NodeId, ReadIndexRequest } from './types.js';

/**
 * Most reads, as a driver numbers them, that wait at a node: one of its numbers stands for all
 * reads of a turn, so this is far more than one election timeout brings.
 */
export const MAX_PENDING_READS = 4_096;

/** Who wants to read: drivers' ids of here, and of each follower the request that it awaits. */
interface Readers {
  readonly ids: number[];
  readonly requests: Map<NodeId, number>;
}

interface Asking {
  readonly round: number;
  /** Commit index when the round began: at least what was committed when its reads arrived. */
  readonly index: number;
  readonly readers: Readers;
}

/**
 * Linearizable reads without writing (dissertation section 6.4). A read may be served at the commit
 * index that the leader had when it began to ask, once a quorum has answered a question asked later
 * than the read. One round is under way at a time and serves all reads that gathered during the one
 * before, here and at followers.
 */
export class ReadRounds {
  readonly #state: CoreState;
  #waiting: Readers = nobody();
  #asking: Asking | undefined;

  constructor(state: CoreState) {
    this.#state = state;
  }

  /** Reads of this node that wait. */
  get pending(): number {
    return this.#waiting.ids.length + (this.#asking?.readers.ids.length ?? 0);
  }

  /** False: too many wait already. */
  add(id: number): boolean {
    if (this.pending >= MAX_PENDING_READS) return false;
    this.#waiting.ids.push(id);
    return true;
  }

  /** A follower asks for its own readers. It awaits one answer at a time: the newest counts. */
  addRequest({ from, request }: ReadIndexRequest): void {
    this.#waiting.requests.set(from, request);
  }

  /**
   * Begins a round if there is one to begin; the caller then asks. Not before this leader has
   * committed in its own term: until then others may know of commits that it does not.
   */
  begin(): boolean {
    const state = this.#state;
    const { ids, requests } = this.#waiting;
    if (this.#asking !== undefined || ids.length + requests.size === 0) return false;
    if (!state.knowsAllCommitted) return false;
    this.#asking = { round: ++state.round, index: state.commit, readers: this.#waiting };
    this.#waiting = nobody();
    return true;
  }

  /** A quorum has answered `round` or a later one. Whether that ends the round under way. */
  confirmed(round: number): boolean {
    if (this.#asking === undefined || round < this.#asking.round) return false;
    const { index, readers } = this.#asking;
    const { ids, requests } = readers;
    this.#asking = undefined;
    if (ids.length > 0) this.#state.emit({ type: 'readable', ids, index });
    const { id: from, term } = this.#state;
    for (const [to, request] of requests) {
      this.#state.send({ type: 'readIndexResponse', from, to, term, request, index });
    }
    return true;
  }

  /** Nobody will confirm any more. Followers notice by themselves. */
  refuseAll(): void {
    const ids = [...(this.#asking?.readers.ids ?? []), ...this.#waiting.ids];
    this.#asking = undefined;
    this.#waiting = nobody();
    if (ids.length > 0) this.#state.emit({ type: 'readRefused', ids, reason: 'notLeader' });
  }
}

function nobody(): Readers {
  return { ids: [], requests: new Map() };
}
