import type { RaftCore } from '../core/raft-core.js';
import type { StateMachine } from './ports.js';

/** The log is purged when it is longer than it need be by this part: each time costs a flush. */
const PURGED_PART = 1 / 8;

/** Decides when entries are given up that nobody is to be sent any more. */
export class LogPurger {
  readonly #core: RaftCore;
  readonly #stateMachine: StateMachine;
  readonly #retained: number;

  constructor(core: RaftCore, stateMachine: StateMachine, logRetentionBytes: number) {
    this.#core = core;
    this.#stateMachine = stateMachine;
    this.#retained = logRetentionBytes;
  }

  /** Up to which entry the log should be purged now; undefined: it is not worth it. */
  due(): number | undefined {
    const { logBytes, baseIndex } = this.#core;
    if (logBytes <= this.#retained * (1 + PURGED_PART)) return undefined;
    const index = Math.min(this.#core.purgeableIndex, this.#stateMachine.appliedIndex);
    if (index <= baseIndex) return undefined;
    const spared = this.#core.bytesBetween(baseIndex + 1, index);
    return spared >= this.#retained * PURGED_PART ? index : undefined;
  }
}
