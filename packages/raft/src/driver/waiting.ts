import { DleError } from '@dle/common';
import type {
  ChangeRefusal,
  ProposalRefusal,
  ReadRefusal,
  TransferRefusal,
} from '../core/types.js';

/** Called once: with an error, or with the index that answers the call. */
export type Settle = (error: DleError | undefined, index: number) => void;

/** Those who wait for an index to be applied, in the order of their indexes. */
export class WaitingByIndex {
  #indexes: number[] = [];
  #settles: Settle[] = [];
  /** Since when each of them waits. */
  #since: number[] = [];
  #head = 0;

  get size(): number {
    return this.#indexes.length - this.#head;
  }

  /** Whoever waits for less than somebody before waits for as long. */
  add(index: number, settle: Settle, now: number): void {
    this.#since.push(now);
    this.#indexes.push(Math.max(index, this.#indexes.at(-1) ?? 0));
    this.#settles.push(settle);
  }

  /** Answers everybody who waits for an index up to `applied`. */
  settleUpTo(applied: number): void {
    while (this.#head < this.#indexes.length && this.#indexes[this.#head]! <= applied) {
      const head = this.#head++;
      const settle = this.#settles[head]!;
      settle(undefined, this.#indexes[head]!);
    }
    if (this.#head === this.#indexes.length) this.#clear();
  }

  /** Ends the wait of everybody who was added before `before`. */
  expire(before: number, error: DleError): void {
    while (this.#head < this.#indexes.length && this.#since[this.#head]! < before) {
      this.#settles[this.#head++]!(error, 0);
    }
    if (this.#head === this.#indexes.length) this.#clear();
  }

  failAll(error: DleError): void {
    const settles = this.#settles.slice(this.#head);
    this.#clear();
    for (const settle of settles) settle(error, 0);
  }

  #clear(): void {
    this.#indexes = [];
    this.#settles = [];
    this.#since = [];
    this.#head = 0;
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
