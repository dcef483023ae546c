import { type Clock, DleError } from '@dle/common';
import type { StateMachine } from './ports.js';

/** Entries applied in one go; a few milliseconds. */
const SLICE = 4_096;

export interface ApplierComponents {
  readonly stateMachine: StateMachine;
  readonly clock: Clock;
}

/**
 * Has the state machine apply what is committed. Long stretches (a start, a rejoin) go in slices,
 * so that heartbeats are not kept waiting.
 */
export class Applier {
  readonly #components: ApplierComponents;
  readonly #applied: (index: number) => void;
  readonly #failed: (error: DleError) => void;
  #commit = 0;
  #isDeferred = false;
  #isStopped = false;

  /** `failed`: the state machine has thrown in a slice that nobody called for. */
  constructor(
    components: ApplierComponents,
    applied: (index: number) => void,
    failed: (error: DleError) => void,
  ) {
    this.#components = components;
    this.#applied = applied;
    this.#failed = failed;
  }

  /** Entries up to `index` are committed. Throws what the state machine does. */
  applyUpTo(index: number): void {
    this.#commit = index;
    if (!this.#isDeferred) this.#slice();
  }

  /**
   * As `applyUpTo`, when what this turn has written is on its way to the device: nobody waits for
   * the state here, but others do for the flush.
   */
  applySoon(index: number): void {
    this.#commit = index;
    if (!this.#isDeferred) this.#defer();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #slice(): void {
    const { stateMachine } = this.#components;
    if (stateMachine.appliedIndex >= this.#commit) return;
    stateMachine.apply(Math.min(this.#commit, stateMachine.appliedIndex + SLICE));
    this.#applied(stateMachine.appliedIndex);
    if (stateMachine.appliedIndex < this.#commit) this.#defer();
  }

  #defer(): void {
    this.#isDeferred = true;
    this.#components.clock.defer(() => this.#later());
  }

  #later(): void {
    this.#isDeferred = false;
    if (this.#isStopped) return;
    try {
      this.#slice();
    } catch (thrown) {
      this.#failed(DleError.from(thrown));
    }
  }
}
