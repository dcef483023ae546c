import { DleError } from '@dle/common';
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
  #gathered: Settle[] = [];
  readonly #confirming = new Map<number, readonly Settle[]>();
  readonly #confirmed: WaitingByIndex = new WaitingByIndex();
  #lastId = 0;
  /** Not yet answered. */
  #waiting = 0;

  /** Returns `DLE_OVERLOADED` instead of queueing where too many wait already. */
  push(settle: Settle): DleError | undefined {
    if (this.#waiting >= MAX_WAITING_READS) {
      const message = `${this.#waiting} reads wait for a majority; try again later`;
      return new DleError('DLE_OVERLOADED', message, { retryable: true });
    }
    this.#waiting++;
    this.#gathered.push((error, index) => {
      this.#waiting--;
      settle(error, index);
    });
    return undefined;
  }

  /**
   * The id under which the core is to confirm the reads gathered since the last call, if there are
   * any.
   */
  begin(): number | undefined {
    if (this.#gathered.length === 0) return undefined;
    const id = ++this.#lastId;
    this.#confirming.set(id, this.#gathered);
    this.#gathered = [];
    return id;
  }

  /** The reads under these ids may be served once the state reflects `index`. */
  confirmed(ids: readonly number[], index: number): void {
    for (const settle of ids.flatMap((id) => this.#take(id))) this.#confirmed.add(index, settle);
  }

  refused(ids: readonly number[], error: DleError): void {
    for (const settle of ids.flatMap((id) => this.#take(id))) settle(error, 0);
  }

  applied(index: number): void {
    this.#confirmed.settleUpTo(index);
  }

  failAll(error: DleError): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.refused([...this.#confirming.keys()], error);
    this.#confirmed.failAll(error);
    for (const settle of gathered) settle(error, 0);
  }

  #take(id: number): readonly Settle[] {
    const settles = this.#confirming.get(id) ?? [];
    this.#confirming.delete(id);
    return settles;
  }
}
