import type { DleError } from '@dle/common';
import type { NodeId, Role } from '../core/types.js';
import { type Settle, transferFailed } from './waiting.js';

/** A transfer of leadership, as somebody waits for it. */
export class HandOver {
  #settle: Settle | undefined;
  #target: NodeId = 0;
  #since = 0;

  /** Refuses where another one is awaited. */
  begin(settle: Settle, now: number): DleError | undefined {
    if (this.#settle !== undefined) {
      return transferFailed('transferUnderWay', 'leadership is being transferred already');
    }
    this.#settle = settle;
    this.#target = 0;
    this.#since = now;
    return undefined;
  }

  started(target: NodeId): void {
    this.#target = target;
  }

  /** Over as soon as anybody is known to lead in a later term. */
  onRole({ role, leader }: { readonly role: Role; readonly leader: NodeId }): void {
    if (leader === 0 || this.#target === 0) return;
    if (role !== 'leader' && leader === this.#target) this.#end(undefined, leader);
    else this.fail(transferFailed('otherLeader', `node ${leader} leads now`));
  }

  expire(before: number): void {
    if (this.#settle === undefined || this.#since >= before) return;
    this.fail(transferFailed('timeout', 'nobody has come to lead in time'));
  }

  fail(error: DleError): void {
    this.#end(error, 0);
  }

  #end(error: DleError | undefined, leader: NodeId): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#target = 0;
    settle?.(error, leader);
  }
}
