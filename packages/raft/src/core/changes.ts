import { changed, firstStep, isJoint, lastStep, votersOf } from './configuration.js';
import type { CoreState } from './core-state.js';
import type { Peers } from './peers.js';
import { majority } from './quorum.js';
import type { ChangeRefusal, Configuration, MembershipChange } from './types.js';

/**
 * The leader's side of a change of members. One is under way at a time, from the entry that begins
 * it until the one that ends it is committed.
 *
 *     C, committed ── joint C+C' ── committed by majorities of both ── C' ── committed
 *                     asked for                        by the leader itself
 */
export class Changes {
  readonly #state: CoreState;
  readonly #peers: Peers;

  constructor(state: CoreState, peers: Peers) {
    this.#state = state;
    this.#peers = peers;
  }

  /** Whether this node leads on only until its removal is committed. */
  get isLeaving(): boolean {
    const { id, log } = this.#state;
    return !votersOf(log.members).includes(id);
  }

  /** Whether this node is removed for good, and should lead no more. */
  get hasLeft(): boolean {
    return this.isLeaving && this.#isSettled;
  }

  /** The configuration that a change begins with, or why it may not begin. */
  begin(change: MembershipChange): Configuration | ChangeRefusal {
    const { log, knowsAllCommitted } = this.#state;
    if (!knowsAllCommitted) {
      // What an earlier leader has changed may be committed without this one knowing (Ongaro's
      // correction of 2015 to single-server changes; it holds here as well).
      const message = 'the leader is new and has not committed an entry of its own yet; try again';
      return { reason: 'notReady', message };
    }
    if (!this.#isSettled || isJoint(log.members)) {
      const message = 'another change of members is under way; try again when it is done';
      return { reason: 'changeUnderWay', message };
    }
    const result = changed(log.members, change);
    if ('problem' in result) return { reason: 'invalid', message: result.problem };
    const first = firstStep(log.members, result.target);
    // Where the same ones vote as before, nothing can get worse.
    return isJoint(first) ? (this.#danger(change, first) ?? first) : first;
  }

  /** Why the cluster might come to a halt in the voters it is asked to have. */
  #danger(
    { promote = [] }: MembershipChange,
    { voters }: Configuration,
  ): ChangeRefusal | undefined {
    const late = promote.find((id) => !this.#peers.isCaughtUp(id));
    if (late !== undefined) {
      const message = `node ${late} has not caught up with the log yet; try again when it has`;
      return { reason: 'notCaughtUp', message };
    }
    const able = voters.filter((id) => this.#peers.isCaughtUp(id));
    if (able.length >= majority(voters.length)) return undefined;
    const message = `of the voters ${voters.join(' ')} that there would be, only ${able.join(' ') || 'none'} would be up to date, too few to decide anything`;
    return { reason: 'wouldLoseQuorum', message };
  }

  /**
   * What the leader has to append by itself: the end of a joint phase, whoever began it, once that
   * is committed and this leader knows all that is.
   */
  next(): Configuration | undefined {
    const { log, knowsAllCommitted } = this.#state;
    if (!isJoint(log.members) || !this.#isSettled || !knowsAllCommitted) return undefined;
    return lastStep(log.members);
  }

  get #isSettled(): boolean {
    const { log, commit } = this.#state;
    return (log.configuration?.index ?? 0) <= commit;
  }
}
