import { type Clock, type DleError, isDleError, type Logger } from '@dle/common';
import type { Participation } from './participation.js';
import type { Replica } from './replica.js';
import type { ReplicaKeeper } from './replica-keeper.js';

/** A disk that fails more often than this is left to people, in milliseconds. */
const LEAST_PAUSE_MS = 60_000;

export interface ReopeningComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keeper: ReplicaKeeper;
  readonly participation: Participation;
  /** Opens the replica that lies in the directory now. */
  readonly open: () => Promise<Replica>;
}

/**
 * Opens the same replica anew where a write or a flush has failed: nobody knows what the disk holds
 * of the last of it, none of which was acknowledged, and recovery finds out.
 */
export class Reopening {
  readonly #components: ReopeningComponents;
  #last = Number.NEGATIVE_INFINITY;

  constructor(components: ReopeningComponents) {
    this.#components = components;
  }

  /** Consensus has ended for `error`: whether the replica is opened anew for it. */
  notice(error: DleError): boolean {
    if (!isDleError(error, 'DLE_STORAGE_POISONED')) return false;
    const { clock, logger, keeper, participation, open } = this.#components;
    const now = clock.now();
    if (now - this.#last < LEAST_PAUSE_MS) return false;
    this.#last = now;
    logger.warn({ code: error.code }, `the data is opened anew: ${error.message}`);
    const why = 'this node opens its data anew, for its disk has failed';
    const replaced = keeper.replace(participation, why, async (old) => {
      // What could not be written has been told to whoever waited for it.
      await old.abandon(logger);
      return open();
    });
    // The keeper tells the node of what it cannot go on for.
    replaced.catch(() => undefined);
    return true;
  }
}
