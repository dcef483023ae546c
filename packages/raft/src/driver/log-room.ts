import { type Clock, DleError, type Logger } from '@dle/common';
import type { EntryBatch } from '../core/types.js';
import type { LogPort, Proposal } from './ports.js';

/** Room for a configuration in the log, however many members it has and whatever goes with them. */
export const CONFIGURATION_RESERVE: number = 64 * 1024;

export interface LogRoomComponents<P extends Proposal> {
  readonly log: LogPort<P>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Asks the log for room before anything is promised. That there is none is logged once, and once
 * that there is again: entries may be refused many times a second.
 */
export class LogRoom<P extends Proposal> {
  readonly #components: LogRoomComponents<P>;
  readonly #patienceMs: number;
  #refusal: DleError | undefined;
  /** The least that has been refused. */
  #refusedBytes = 0;
  /** When that is overdue. */
  #due = 0;

  /** `patienceMs`: how long a log may have no room before something has to be done about it. */
  constructor(components: LogRoomComponents<P>, patienceMs: number) {
    this.#components = components;
    this.#patienceMs = patienceMs;
  }

  /** Why the log has no room, since it was asked last for as much as it refused. */
  get refusal(): DleError | undefined {
    return this.#refusal;
  }

  /** Makes sure that `entries`, of `bytes` bytes, can be written; or says why not. */
  take(bytes: number, entries?: EntryBatch | readonly P[]): DleError | undefined {
    const { clock, logger } = this.#components;
    const error = this.#reserve(Math.max(bytes, this.#refusedBytes));
    if (error === undefined) {
      if (this.#refusal !== undefined) logger.info({}, 'the log takes entries again');
      this.#refusal = undefined;
      this.#refusedBytes = 0;
      return undefined;
    }
    if (this.#refusal === undefined) {
      logger.error({ code: error.code }, `the log takes no entries: ${error.message}`);
      this.#due = clock.now() + this.#patienceMs;
    }
    this.#refusal = error;
    // What is smaller may still fit, and what gives space back.
    const refusal = this.#reserve(bytes, entries);
    if (refusal !== undefined) this.#refusedBytes = Math.min(bytes, this.#refusedBytes || bytes);
    return refusal;
  }

  #reserve(bytes: number, entries?: EntryBatch | readonly P[]): DleError | undefined {
    try {
      this.#components.log.reserve(bytes, entries);
      return undefined;
    } catch (thrown) {
      return DleError.from(thrown);
    }
  }

  /**
   * Why the log has had no room for longer than it may; `undefined`: it has not. After each time,
   * it may for as long again.
   */
  overdue(): DleError | undefined {
    const now = this.#components.clock.now();
    if (this.#refusal === undefined || now < this.#due) return undefined;
    this.#due = now + this.#patienceMs;
    return this.#refusal;
  }
}

/** What becomes of a proposal that the log has no room for: another node may have some. */
export function withoutRoom(cause: DleError): DleError {
  if (cause.code !== 'DLE_IO' && cause.code !== 'DLE_TOO_MANY_SEGMENTS') return cause;
  const message = `the log of this node takes no entries: ${cause.message}`;
  return new DleError('DLE_UNAVAILABLE', message, { retryable: true, cause });
}
