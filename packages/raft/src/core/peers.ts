import { membersOf } from './configuration.js';
import type { CoreState } from './core-state.js';
import { Progress } from './progress.js';
import { reachedByQuorum, type VoterSets } from './quorum.js';
import type { NodeId } from './types.js';

/** Election timeouts for which a leader goes on telling a removed node that it is removed. */
const TIMEOUTS_TO_PART = 2;

/**
 * Whom a leader sends its log to: everybody in the configuration that counts, and those just
 * removed, for some time. A node that is never told asks for votes that it cannot get, for ever;
 * whether what it was sent has arrived its answers do not say, so each heartbeat tells it again.
 */
export class Peers implements Iterable<Progress> {
  readonly #state: CoreState;
  readonly #peers = new Map<NodeId, Progress>();
  /** Those removed, and until when they are told. */
  readonly #parting = new Map<NodeId, number>();

  constructor(state: CoreState) {
    this.#state = state;
    this.follow();
  }

  get size(): number {
    return this.#peers.size;
  }

  [Symbol.iterator](): Iterator<Progress> {
    return this.#peers.values();
  }

  get(id: NodeId): Progress | undefined {
    return this.#peers.get(id);
  }

  isParting(id: NodeId): boolean {
    return this.#parting.has(id);
  }

  /**
   * Whether this node, or the peer with that id, answers and holds what it needs to vote usefully:
   * all, but for what it gets within an election timeout.
   */
  isCaughtUp(id: NodeId): boolean {
    const { id: self, log, now, options } = this.#state;
    if (id === self) return true;
    const peer = this.#peers.get(id);
    return peer?.isCaughtUp(now, log.lastIndex, options.electionTimeoutMs) ?? false;
  }

  /** Another configuration counts: who is new gets a place, who is gone one for a while. */
  follow(): void {
    const { id: self, log, now, options } = this.#state;
    const members = membersOf(log.members);
    for (const id of members) {
      // Who comes back after it was removed may have begun anew, with nothing.
      if (this.#parting.delete(id)) this.#peers.delete(id);
      if (id === self || this.#peers.has(id)) continue;
      this.#peers.set(id, new Progress(id, log.lastIndex + 1, now, options.maxInflightAppends));
    }
    const until = now + TIMEOUTS_TO_PART * options.electionTimeoutMs;
    for (const id of this.#peers.keys()) {
      if (members.includes(id) || this.#parting.has(id)) continue;
      this.#parting.set(id, until);
    }
  }

  /** Forgets who was removed, after a while. */
  part(): void {
    for (const [id, until] of this.#parting) {
      if (this.#state.now < until) continue;
      this.#parting.delete(id);
      this.#peers.delete(id);
    }
  }

  /**
   * The largest value that a quorum of `sets` has reached, by default of the configuration that
   * counts; `own` is this node's, which counts where it votes.
   */
  reached(
    reachedBy: (peer: Progress) => number,
    own: number,
    sets: VoterSets = this.#state.log.members,
  ): number {
    const { id } = this.#state;
    return reachedByQuorum(sets, (voter) => {
      if (voter === id) return own;
      const peer = this.#peers.get(voter);
      return peer === undefined ? Number.NEGATIVE_INFINITY : reachedBy(peer);
    });
  }
}
