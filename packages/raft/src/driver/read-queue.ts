import { DleError } from '@dle/common';
import type { ReadLevel } from '../core/types.js';
import { type Settle, WaitingByIndex } from './waiting.js';

/**
 * Reads without an answer: some megabytes of closures, and more than a leader confirms in a second.
 */
const MAX_WAITING_READS = 65_536;

/**
 * Linearizable reads on their way: gathered until the turn ends, then being confirmed by the core
 * under one id, then waiting for the state to catch up. Whoever is in here is answered exactly
 * once.
 */
export class ReadQueue {
  /** By level: each is confirmed in its own way. */
  readonly #gathered = new Map<ReadLevel, Settle[]>();
  readonly #confirming = new Map<number, { readonly settles: Settle[]; readonly since: number }>();
  readonly #confirmed: WaitingByIndex = new WaitingByIndex();
  #lastId = 0;
  /** Not yet answered, nor confirmed. */
  #unconfirmed = 0;

  /** Returns `DLE_OVERLOADED` instead of queueing where too many wait already. */
  push(level: ReadLevel, settle: Settle): DleError | undefined {
    const waiting = this.#unconfirmed + this.#confirmed.size;
    if (waiting >= MAX_WAITING_READS) {
      const message = `${waiting} reads wait for a majority; try again later`;
      return new DleError('DLE_OVERLOADED', message, { retryable: true });
    }
    this.#unconfirmed++;
    const gathered = this.#gathered.get(level) ?? [];
    this.#gathered.set(level, gathered);
    gathered.push(settle);
    return undefined;
  }

  /** What the core is to confirm, all reads of a level under one id: those gathered since. */
  begin(now: number): readonly { readonly id: number; readonly level: ReadLevel }[] {
    const begun = [...this.#gathered].map(([level, settles]) => {
      const id = ++this.#lastId;
      this.#confirming.set(id, { settles, since: now });
      return { id, level };
    });
    this.#gathered.clear();
    return begun;
  }

  /** The reads under these ids may be served once the state reflects `index`. */
  confirmed(ids: readonly number[], index: number, now: number): void {
    for (const id of ids) this.#confirmed.addAll(this.#take(id), index, now);
  }

  /** Those who have waited since before `before`, for a majority or for the state, need not longer. */
  expire(before: number): void {
    for (const [id, { since }] of this.#confirming) {
      if (since >= before) break;
      this.refused([id], notVouchedFor());
    }
    this.#confirmed.expire(before, notVouchedFor);
  }

  refused(ids: readonly number[], error: DleError): void {
    for (const settle of ids.flatMap((id) => this.#take(id))) settle(error, 0);
  }

  applied(index: number): void {
    this.#confirmed.settleUpTo(index);
  }

  failAll(error: DleError): void {
    const gathered = [...this.#gathered.values()].flat();
    this.#gathered.clear();
    this.#unconfirmed -= gathered.length;
    this.refused([...this.#confirming.keys()], error);
    this.#confirmed.failAll(error);
    for (const settle of gathered) settle(error, 0);
  }

  #take(id: number): readonly Settle[] {
    const settles = this.#confirming.get(id)?.settles ?? [];
    this.#confirming.delete(id);
    this.#unconfirmed -= settles.length;
    return settles;
  }
}

function notVouchedFor(): DleError {
  const message = 'nobody has vouched for the read in time; try again';
  return new DleError('DLE_UNAVAILABLE', message, { retryable: true });
}
