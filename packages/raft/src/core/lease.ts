import type { CoreState } from './core-state.js';
import type { Peers } from './peers.js';
import type { Progress } from './progress.js';

/** Rounds whose beginning is remembered: more than are under way unless answers take for ever. */
const MAX_ROUNDS = 64;

/**
 * A time in which no other node can be elected, so that a leader may serve reads without asking
 * (dissertation 6.4.1). A voter that has answered a round withholds its vote for an election
 * timeout from when the question reached it, which was not before the round began:
 *
 *     leader    round begins ─┬──────── lease ────────┤ drift ├
 *                              ╲          ╱
 *     voter                     question ─┬──── withholds its vote ────┤
 *
 * So it lasts from the beginning of the newest round that a quorum has answered, for an election
 * timeout less what clocks may differ in. That voters restart is provided for (`Election`); that
 * the leader itself invites somebody to campaign is not: then there is none for the rest of its
 * term.
 */
export class Lease {
  readonly #state: CoreState;
  readonly #peers: Peers;
  /** Rounds and when they began, oldest first. */
  readonly #began: { readonly round: number; readonly at: number }[] = [];
  /** The newest round whose beginning was noted, or that was before this leadership. */
  #lastRound: number;

  constructor(state: CoreState, peers: Peers) {
    this.#state = state;
    this.#peers = peers;
    this.#lastRound = state.round;
  }

  /** Heartbeats are about to leave: in a round of their own, so that answers to them can be dated. */
  beginRound(): void {
    const state = this.#state;
    if (!state.options.leaseReads) return;
    if (this.#lastRound === state.round) state.round++;
    this.#lastRound = state.round;
    this.#began.push({ round: state.round, at: state.now });
    if (this.#began.length > MAX_ROUNDS) this.#began.shift();
  }

  /** `peer` has answered something sent in `round`. */
  answered(peer: Progress, round: number): void {
    const began = this.#began.findLast((known) => known.round === round);
    if (began !== undefined) peer.answeredSince = Math.max(peer.answeredSince, began.at);
  }

  /** Whether it holds now; the caller serves what it serves in the same step. */
  get holds(): boolean {
    const { now, options } = this.#state;
    if (!options.leaseReads) return false;
    const since = this.#peers.reached((peer) => peer.answeredSince, now);
    const share = (100 - options.maxClockDriftPercent) / 100;
    return now < since + options.electionTimeoutMs * share;
  }
}
