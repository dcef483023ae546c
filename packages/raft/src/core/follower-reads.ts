import type { CoreState } from './core-state.js';
import { MAX_PENDING_READS } from './read-rounds.js';
import type { NodeId, ReadIndexResponse } from './types.js';

/** Room above the random part of a request's number for those of one life of a node. */
const REQUESTS_PER_LIFE = 2 ** 20;

interface Asking {
  readonly request: number;
  readonly ids: readonly number[];
  readonly leader: NodeId;
  readonly term: number;
  /** Then the leader has had its time. */
  readonly until: number;
}

/**
 * Linearizable reads at a node that does not lead (dissertation 6.4): it asks the leader for the
 * index, and serves the read itself when its own state is that far. One request is under way at a
 * time, and speaks for all reads that gathered during the one before.
 *
 * Messages get lost and come late. A request is repeated with heartbeats until it is answered.
 * Its number begins with a random part that is drawn anew in each life of a node, so that an answer
 * meant for an earlier life, or an earlier request, is not taken for the one awaited.
 */
export class FollowerReads {
  readonly #state: CoreState;
  #lastRequest = 0;
  #waiting: number[] = [];
  #asking: Asking | undefined;
  #sentAt = 0;

  constructor(state: CoreState) {
    this.#state = state;
  }

  get pending(): number {
    return this.#waiting.length + (this.#asking?.ids.length ?? 0);
  }

  add(id: number): void {
    if (this.pending >= MAX_PENDING_READS) {
      this.#state.emit({ type: 'readRefused', ids: [id], reason: 'overloaded' });
      return;
    }
    this.#waiting.push(id);
    if (this.#state.leader === 0) this.#refuseAll('notLeader');
    else this.#ask();
  }

  onResponse(message: ReadIndexResponse): void {
    if (this.#asking?.request !== message.request) return;
    const { ids } = this.#asking;
    this.#asking = undefined;
    this.#state.emit({ type: 'readable', ids, index: message.index });
    this.#ask();
  }

  /** Asks again if there should have been an answer; not at once, or questions beget questions. */
  onHeartbeat(): void {
    const { now, options } = this.#state;
    if (this.#asking === undefined || now < this.#sentAt + options.heartbeatIntervalMs) return;
    this.#send(this.#asking);
  }

  /** A step is over: whoever has been asked may lead no more, or have been asked too long ago. */
  review(): void {
    if (this.#asking === undefined) return;
    const { leader, term, until } = this.#asking;
    if (this.#state.leader !== leader || this.#state.term !== term) this.#refuseAll('notLeader');
    else if (this.#state.now >= until) this.#refuseAll('noAnswer');
  }

  #ask(): void {
    if (this.#asking !== undefined || this.#waiting.length === 0) return;
    const { leader, term, now, options, random } = this.#state;
    if (this.#lastRequest === 0) this.#lastRequest = random.nextUint32() * REQUESTS_PER_LIFE;
    const request = ++this.#lastRequest;
    const until = now + options.electionTimeoutMs;
    this.#asking = { request, ids: this.#waiting, leader, term, until };
    this.#waiting = [];
    this.#send(this.#asking);
  }

  #send({ request, leader: to, term }: Asking): void {
    const { id: from, now } = this.#state;
    this.#sentAt = now;
    this.#state.sendWhenDurable({ type: 'readIndexRequest', from, to, term, request }, 0);
  }

  #refuseAll(reason: 'notLeader' | 'noAnswer'): void {
    const ids = [...(this.#asking?.ids ?? []), ...this.#waiting];
    this.#asking = undefined;
    this.#waiting = [];
    this.#state.emit({ type: 'readRefused', ids, reason });
  }
}
