import type { CoreState } from './core-state.js';
import type { Peers } from './peers.js';
import type { NodeId, TransferRefusal } from './types.js';

/**
 * The leader's side of leadership transfer (dissertation 3.10). It takes no proposals until the
 * target holds everything, then invites it to campaign at once, and hears of its success by being
 * deposed. Where that takes longer than an election timeout, it leads on.
 */
export class Transfer {
  readonly #state: CoreState;
  readonly #peers: Peers;
  #target: NodeId = 0;
  /** The target before, or this one; 0: there was none. */
  #asked: NodeId = 0;
  #until = Number.POSITIVE_INFINITY;
  #isInvited = false;
  #hasEverInvited = false;

  constructor(state: CoreState, peers: Peers) {
    this.#state = state;
    this.#peers = peers;
  }

  /** Who is to lead next; 0: no transfer is under way. */
  get target(): NodeId {
    return this.#target;
  }

  /** When to give up. */
  get deadline(): number {
    return this.#until;
  }

  /**
   * Whether somebody may depose this leader without waiting for an election timeout. An invitation
   * can be late, and there is no taking it back in this term.
   */
  get hasEverInvited(): boolean {
    return this.#hasEverInvited;
  }

  /** Begins to hand over to `target`, 0: to the next one that is ready. Or says why not. */
  begin(target: NodeId): TransferRefusal | undefined {
    const { id, log, now, options } = this.#state;
    const chosen = target === 0 ? this.#next() : target;
    if (this.#target !== 0) {
      const message = `leadership is being transferred to node ${this.#target} already`;
      return { reason: 'transferUnderWay', message };
    }
    if (chosen === id || (chosen !== 0 && !log.members.voters.includes(chosen))) {
      const message = chosen === id ? 'leads already' : 'is not a voter';
      return { reason: 'invalid', message: `node ${chosen} ${message}` };
    }
    if (!this.#peers.isCaughtUp(chosen)) {
      const message =
        chosen === 0 ? 'no other voter is up to date' : `node ${chosen} is not up to date`;
      return { reason: 'notCaughtUp', message: `${message}; try again when that has changed` };
    }
    this.#target = chosen;
    this.#asked = chosen;
    this.#until = now + options.electionTimeoutMs;
    this.#isInvited = false;
    this.#state.emit({ type: 'transferStarted', target: chosen });
    this.proceed();
    return undefined;
  }

  /**
   * Invites the target once it holds everything, and everything is committed: then nobody who has
   * proposed something here is left without an answer.
   */
  proceed(): void {
    if (this.#target === 0 || this.#isInvited) return;
    const { log, commit } = this.#state;
    if (commit < log.lastIndex || this.#peers.get(this.#target)?.match !== log.lastIndex) return;
    this.#isInvited = true;
    this.#invite(this.#target);
  }

  /** Gives up when it is time to. */
  expire(): void {
    if (this.#state.now < this.#until) return;
    this.#state.emit({ type: 'transferFailed', target: this.#target });
    this.#target = 0;
    this.#until = Number.POSITIVE_INFINITY;
  }

  /** Invites whoever holds most to lead, without waiting for anything: this node is about to stop. */
  handOver(): void {
    const heir = this.#best();
    if (heir !== 0 && !this.#isInvited) this.#invite(heir);
  }

  /**
   * Of the voters that are up to date the next one by id, behind the last comes the first; and of
   * each more that this leader tries, the next: two who should not lead do not hand over to each
   * other for ever, and who does not take over is not the only one asked. 0: none is up to date.
   */
  #next(): NodeId {
    const { id, log } = this.#state;
    const isReady = (voter: NodeId) => voter !== id && this.#peers.isCaughtUp(voter);
    const ready = log.members.voters.filter(isReady);
    return ready.find((voter) => voter > (this.#asked || id)) ?? ready[0] ?? 0;
  }

  /** Of the voters who answer, the one that holds most; 0: none does. */
  #best(): NodeId {
    const { log, now, options } = this.#state;
    let best: NodeId = 0;
    let most = 0;
    for (const { id, match, lastHeard } of this.#peers) {
      const answers = lastHeard + options.electionTimeoutMs > now;
      if (!answers || match <= most || !log.members.voters.includes(id)) continue;
      best = id;
      most = match;
    }
    return best;
  }

  #invite(to: NodeId): void {
    this.#hasEverInvited = true;
    const { id: from, term } = this.#state;
    this.#state.send({ type: 'timeoutNow', from, to, term });
  }
}
