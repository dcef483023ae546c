import type { CoreState } from './core-state.js';
import type { Progress } from './progress.js';
import type { AppendResponse } from './types.js';

/** Brings followers' logs up to the leader's (paper section 5.3, the sender's side). */
export class Replication {
  readonly #state: CoreState;

  constructor(state: CoreState) {
    this.#state = state;
  }

  /** Sends what the follower lacks, as far as its window allows. */
  send(peer: Progress): void {
    const { log } = this.#state;
    if (this.#needsSnapshot(peer)) return;
    if (peer.state === 'probe') {
      if (!peer.awaitsAnswer) this.#append(peer, this.#lastToSend(peer));
      return;
    }
    while (peer.next <= log.lastIndex) {
      const lastIndex = this.#lastToSend(peer);
      if (lastIndex < peer.next) return;
      this.#append(peer, lastIndex);
    }
  }

  /**
   * A request without entries that asks whether what was sent has arrived. A follower that lost it,
   * be it a whole window, says so, and is sent it again.
   */
  ask(peer: Progress): void {
    if (!this.#needsSnapshot(peer)) this.#append(peer, peer.next - 1);
  }

  /** Whether it told something new. */
  onResponse(peer: Progress, message: AppendResponse): boolean {
    const { log, now } = this.#state;
    if (!message.rejected) {
      if (message.index > log.lastIndex) return false;
      const isNews = peer.accepted(message.index);
      peer.countRound(now, log.lastIndex);
      return isNews;
    }
    // The follower has skipped what cannot be in its log; this skips what cannot be in the
    // leader's.
    const hint = log.lastPossibleMatch(message.hintIndex, message.hintTerm);
    return peer.rejected(message.index, hint);
  }

  /** Whether it is, or is from now on, to be brought the state before it is sent any entries. */
  #needsSnapshot(peer: Progress): boolean {
    if (peer.state === 'snapshot') return true;
    const { log, now } = this.#state;
    if (peer.next > log.baseIndex) return false;
    if (now < peer.noSnapshotBefore) return true;
    peer.snapshotBegins();
    this.#state.emit({ type: 'sendSnapshot', to: peer.id });
    return true;
  }

  /**
   * The last entry of the next request; `next` - 1: none fits. A batch is filled as far as batch
   * and window allow; an entry larger than a batch goes alone, one larger than the window when
   * nothing is under way.
   */
  #lastToSend(peer: Progress): number {
    const { log, options } = this.#state;
    if (peer.next > log.lastIndex || peer.inflights.isFull) return peer.next - 1;
    const window = options.maxInflightBytes - peer.inflights.bytes;
    const lastIndex = log.lastWithin(peer.next, Math.min(window, options.maxAppendBytes));
    if (lastIndex >= peer.next) return lastIndex;
    const fitsAlone = log.bytesBetween(peer.next, peer.next) <= window;
    return fitsAlone || peer.inflights.count === 0 ? peer.next : lastIndex;
  }

  #append(peer: Progress, lastIndex: number): void {
    const { id, term, log, commit, round } = this.#state;
    const previousIndex = peer.next - 1;
    const previousTerm = log.termAt(previousIndex);
    this.#state.send({
      type: 'appendRequest',
      from: id,
      to: peer.id,
      term,
      previousIndex,
      previousTerm,
      lastIndex,
      commit,
      round,
    });
    if (peer.state === 'probe') peer.awaitsAnswer = true;
    else if (lastIndex > previousIndex) {
      peer.sent(lastIndex, log.bytesBetween(peer.next, lastIndex));
    }
  }
}
