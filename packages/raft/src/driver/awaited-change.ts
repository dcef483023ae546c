import type { DleError } from '@dle/common';
import type { RaftCore } from '../core/raft-core.js';
import { changeRefused, outcomeUnknown, type Settle } from './waiting.js';

/** A change of members, as somebody waits for it. */
export class AwaitedChange {
  #settle: Settle | undefined;
  /** Whether the core has been asked for it. */
  #isAsked = false;
  #since = 0;

  /** Refuses where another one is awaited. */
  begin(settle: Settle, now: number): DleError | undefined {
    if (this.#settle !== undefined) {
      const message = 'another change of members is under way; try again when it is done';
      return changeRefused({ reason: 'changeUnderWay', message });
    }
    this.#settle = settle;
    this.#isAsked = false;
    this.#since = now;
    return undefined;
  }

  asked(): void {
    this.#isAsked = true;
  }

  /** The core has taken a step. The change is over when a configuration that is not joint commits. */
  notice(core: Pick<RaftCore, 'configuration' | 'commit' | 'role'>): void {
    if (this.#settle === undefined || !this.#isAsked) return;
    const { index, configuration } = core.configuration!;
    const isDone = configuration.outgoing === undefined && index <= core.commit;
    if (isDone) this.#end(undefined, index);
    else if (core.role !== 'leader') this.fail(outcomeUnknown('the leader changed'));
  }

  expire(before: number): void {
    if (this.#settle === undefined || this.#since >= before) return;
    this.fail(outcomeUnknown('no majority has taken it in time'));
  }

  fail(error: DleError): void {
    this.#end(error, 0);
  }

  #end(error: DleError | undefined, index: number): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(error, index);
  }
}
