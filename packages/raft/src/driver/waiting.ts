import { DleError } from '@dle/common';
import type {
  ChangeRefusal,
  ProposalRefusal,
  ReadRefusal,
  TransferRefusal,
} from '../core/types.js';

/** Called once: with an error, or with the index that answers the call. */
export type Settle = (error: DleError | undefined, index: number) => void;

/**
 * Those who wait together, since the same moment: all for one index, or, with `step` 1, each for
 * the index behind that of the one before.
 */
interface Group {
  readonly settles: readonly Settle[];
  readonly index: number;
  readonly step: 0 | 1;
  readonly bytes: number;
  readonly since: number;
}

/**
 * Those who wait for an index to be applied, in the order of their indexes. They come and go by the
 * hundred: nothing is made or kept for each of them.
 */
export class WaitingByIndex {
  #groups: Group[] = [];
  /** The first group that waits, and how many of it have been answered. */
  #head = 0;
  #answered = 0;
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  /** What those who wait hold, in bytes, and those who waited together with them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** `settles` wait for `index`. Whoever waits for less than somebody before waits for as long. */
  addAll(settles: readonly Settle[], index: number, now: number): void {
    const behind = Math.max(index, this.#lastIndex);
    this.#add({ settles, index: behind, step: 0, bytes: 0, since: now });
  }

  /**
   * The first of `settles` waits for `firstIndex`, which is behind all others, each of the others
   * for the next. Together they hold `bytes`.
   */
  addRun(settles: readonly Settle[], firstIndex: number, bytes: number, now: number): void {
    this.#add({ settles, index: firstIndex, step: 1, bytes, since: now });
  }

  /** Answers everybody who waits for an index up to `applied`. */
  settleUpTo(applied: number): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const index = next.index + this.#answered * next.step;
      if (index > applied) return;
      this.#size--;
      next.settles[this.#answered++]!(undefined, index);
    }
  }

  /** Ends the wait of everybody who was added before `before`. */
  expire(before: number, error: () => DleError): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next.since >= before) return;
      this.#size--;
      next.settles[this.#answered++]!(error(), 0);
    }
  }

  failAll(error: DleError): void {
    const waiting = this.#groups.slice(this.#head).flatMap(({ settles }) => settles);
    const settles = waiting.slice(this.#answered);
    this.#groups = [];
    this.#head = 0;
    this.#answered = 0;
    this.#size = 0;
    this.#bytes = 0;
    for (const settle of settles) settle(error, 0);
  }

  get #lastIndex(): number {
    const last = this.#groups.at(-1);
    return last === undefined ? 0 : last.index + (last.settles.length - 1) * last.step;
  }

  #add(group: Group): void {
    if (group.settles.length === 0) return;
    this.#groups.push(group);
    this.#size += group.settles.length;
    this.#bytes += group.bytes;
  }

  /** The group of whoever is to be answered next. */
  #next(): Group | undefined {
    const group = this.#groups[this.#head];
    if (group === undefined || this.#answered < group.settles.length) return group;
    this.#answered = 0;
    this.#bytes -= group.bytes;
    this.#head++;
    // Where somebody always waits, it would never be empty.
    if (this.#head * 2 > this.#groups.length) {
      this.#groups.splice(0, this.#head);
      this.#head = 0;
    }
    return this.#groups[this.#head];
  }
}

export function notLeader(leader: number): DleError {
  return leader === 0
    ? new DleError('DLE_UNAVAILABLE', 'there is no leader at the moment; try again', {
        retryable: true,
      })
    : new DleError('DLE_NOT_LEADER', `this node does not lead; node ${leader} does`, {
        retryable: true,
      });
}

export function changeRefused({ reason, message }: ChangeRefusal): DleError {
  const retryable = reason !== 'invalid';
  return new DleError('DLE_CHANGE_REFUSED', message, { retryable, details: { reason } });
}

/** Why a proposal was not taken that was handed to the core. */
export function proposalRefused(reason: ProposalRefusal, leader: number): DleError {
  if (reason === 'notLeader') return notLeader(leader);
  if (reason === 'overloaded') {
    const message = 'too many bytes of writes wait for a majority; try again later';
    return new DleError('DLE_OVERLOADED', message, { retryable: true });
  }
  const message = 'leadership is being transferred; try again';
  return new DleError('DLE_UNAVAILABLE', message, { retryable: true });
}

/** Why a read was not confirmed that was handed to the core. */
export function readRefused(reason: ReadRefusal, leader: number): DleError {
  if (reason === 'notLeader') return notLeader(leader);
  if (reason === 'overloaded') {
    const message = 'too many reads wait for a majority; try again later';
    return new DleError('DLE_OVERLOADED', message, { retryable: true });
  }
  const message = 'the leader did not answer in time; try again';
  return new DleError('DLE_UNAVAILABLE', message, { retryable: true });
}

/** Why leadership was not handed over: as the core says it, or what came of it. */
export function transferFailed(
  reason: TransferRefusal['reason'] | 'timeout' | 'otherLeader',
  message: string,
): DleError {
  const retryable = reason !== 'invalid';
  return new DleError('DLE_TRANSFER_FAILED', message, { retryable, details: { reason } });
}

export function outcomeUnknown(reason: string): DleError {
  return new DleError(
    'DLE_OUTCOME_UNKNOWN',
    `${reason}: the write may or may not take effect; read before you write again`,
    { effect: 'unknown' },
  );
}
