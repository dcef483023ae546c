import { assert } from '@dle/common';
import type { CoreState } from './core-state.js';
import type { AppendRequest, EntryBatch, Heartbeat } from './types.js';

/** Takes entries from a leader of the current term (paper section 5.3, the receiver's side). */
export class Follower {
  readonly #state: CoreState;

  constructor(state: CoreState) {
    this.#state = state;
  }

  onAppend(message: AppendRequest, entries: EntryBatch | undefined): void {
    const { log } = this.#state;
    const { previousIndex, previousTerm } = message;
    // What is committed here, as all is that the log begins behind, is in every leader's log.
    if (previousIndex >= log.baseIndex && !log.holds(previousIndex, previousTerm)) {
      this.#reject(message);
      return;
    }
    if (entries !== undefined) this.#take(entries);
    const { id: from, term } = this.#state;
    // The index is what this request vouches for, whatever else the log holds: the rest may be
    // another leader's.
    const lastIndex = Math.max(message.lastIndex, log.baseIndex);
    this.#state.sendWhenDurable(
      {
        type: 'appendResponse',
        from,
        to: message.from,
        term,
        rejected: false,
        index: lastIndex,
        hintIndex: 0,
        hintTerm: 0,
        round: message.round,
      },
      lastIndex,
    );
    this.#state.advanceCommit(Math.min(message.commit, lastIndex));
  }

  onHeartbeat(message: Heartbeat): void {
    const { id: from, term, log, lostData } = this.#state;
    // The leader speaks only of entries that this node has acknowledged in this term. Should it
    // speak of more, then this log has lost some.
    if (message.commit > log.lastIndex) {
      this.#state.lose();
      return;
    }
    this.#state.advanceCommit(message.commit);
    this.#state.sendWhenDurable(
      { type: 'heartbeatResponse', from, to: message.from, term, round: message.round, lostData },
      0,
    );
  }

  /**
   * Skips what is there already, and replaces only from a real conflict on: an old request loses
   * nothing.
   */
  #take(entries: EntryBatch): void {
    const { log, commit } = this.#state;
    const lastIndex = entries.firstIndex + entries.count - 1;
    let fromIndex = Math.max(entries.firstIndex, log.baseIndex + 1);
    while (
      fromIndex <= Math.min(lastIndex, log.lastIndex) &&
      log.termAt(fromIndex) === entries.termAt(fromIndex)
    ) {
      fromIndex++;
    }
    if (fromIndex > lastIndex) return;
    assert(
      fromIndex > commit,
      `node ${this.#state.leader} leads term ${this.#state.term} without entry ${fromIndex}, which is committed: the cluster has lost data`,
    );
    const replaces = fromIndex <= log.lastIndex;
    const write = this.#state.writeEntries(fromIndex, lastIndex);
    if (replaces) log.truncate(fromIndex);
    log.append(entries, fromIndex);
    this.#state.emit({ type: 'appendReceived', write, entries, fromIndex, replaces });
  }

  /**
   * Tells the leader where to look next, skipping all of its entries that cannot be in this log.
   */
  #reject(message: AppendRequest): void {
    const { id: from, term, log } = this.#state;
    const possible = log.lastPossibleMatch(message.previousIndex, message.previousTerm);
    const hintIndex = Math.max(possible, log.baseIndex);
    this.#state.sendWhenDurable(
      {
        type: 'appendResponse',
        from,
        to: message.from,
        term,
        rejected: true,
        index: message.previousIndex,
        hintIndex,
        hintTerm: log.termAt(hintIndex),
        round: message.round,
      },
      0,
    );
  }
}
