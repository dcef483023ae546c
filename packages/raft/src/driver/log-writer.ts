import type { CoreEffect } from '../core/types.js';
import type { LogPort, Proposal } from './ports.js';

/** Effects that change the log. */
export type WriteEffect = Extract<CoreEffect, { readonly write: number }>;

/**
 * Carries out what the core wants written, and knows which of its writes each ticket of the log
 * stands for.
 */
export class LogWriter<P extends Proposal> {
  readonly #log: LogPort<P>;
  /** Writes of the core whose flush is awaited. */
  #awaited: { readonly write: number; readonly ticket: number }[] = [];

  constructor(log: LogPort<P>) {
    this.#log = log;
  }

  /** @param proposals what the entries hold that were proposed in this step. */
  write(effect: WriteEffect, proposals: readonly P[]): void {
    this.#awaited.push({ write: effect.write, ticket: this.#carryOut(effect, proposals) });
  }

  /** The last write that is on the device with `ticket`; undefined: none that was not before. */
  flushed(ticket: number): number | undefined {
    let done = 0;
    while (done < this.#awaited.length && this.#awaited[done]!.ticket <= ticket) done++;
    return this.#awaited.splice(0, done).at(-1)?.write;
  }

  #carryOut(effect: WriteEffect, proposals: readonly P[]): number {
    switch (effect.type) {
      case 'saveVote':
        return this.#log.saveVote(effect.term, effect.vote, effect.lostData);
      case 'appendNoop':
        return this.#log.appendNoop(effect.index, effect.term);
      case 'appendConfiguration':
        return this.#log.appendConfiguration(effect.configuration, effect.index, effect.term);
      case 'appendProposed':
        return this.#log.appendProposed(proposals, effect.firstIndex, effect.term);
      case 'appendReceived':
        return this.#log.appendReceived(effect.entries, effect.fromIndex, effect.replaces);
    }
  }
}
