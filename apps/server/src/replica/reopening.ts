import type { Clock, DleError, Logger } from '@dle/common';
import { pause } from '../pause.js';
import { isDamage, isOfDisk } from '../repair/damage.js';
import type { Participation } from './participation.js';
import type { Replica } from './replica.js';
import type { ReplicaKeeper } from './replica-keeper.js';

/**
 * Least and most between two times that the data is opened anew, in milliseconds; doubled each time
 * that it has failed again within that. Opening reads all of the log: a disk that goes on failing
 * must not be kept busy with that, and one that was mended must not wait for somebody to notice.
 */
const REST_MS: readonly [number, number] = [60_000, 3_600_000];

export interface ReopeningComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keeper: ReplicaKeeper;
  readonly participation: Participation;
  /** Opens the replica that lies in the directory now. */
  readonly open: () => Promise<Replica>;
}

/**
 * Opens the same replica anew where the disk has failed: of a write or a flush nobody knows what
 * the disk holds of the last of it, none of which was acknowledged, and recovery finds out, and
 * takes nothing as flushed that it has not flushed itself. What could not be read may be read the
 * next time; meanwhile `Repairs` asks whether it is needed at all.
 */
export class Reopening {
  readonly #components: ReopeningComponents;
  readonly #closing = new AbortController();
  #last = Number.NEGATIVE_INFINITY;
  #restMs = REST_MS[0];
  /** When it is done the next time. */
  #dueAt: number | undefined;

  constructor(components: ReopeningComponents) {
    this.#components = components;
  }

  /** What is done about the failure, and when. */
  get outlook(): string | undefined {
    if (this.#dueAt === undefined) return undefined;
    const seconds = Math.ceil((this.#dueAt - this.#components.clock.now()) / 1_000);
    return `it opens its data anew in ${Math.max(0, seconds)} s`;
  }

  /**
   * Consensus has ended for `error`, or there is no replica for it: whether that is opened anew, at
   * once or after a rest.
   */
  notice(error: DleError): boolean {
    if (!isDamage(error) && !isOfDisk(error)) return false;
    if (this.#dueAt !== undefined) return true;
    const now = this.#components.clock.now();
    const restLeftMs = this.#last + this.#restMs - now;
    this.#restMs = restLeftMs > 0 ? Math.min(2 * this.#restMs, REST_MS[1]) : REST_MS[0];
    // Others make good what is damaged, if they can, before the same is met again.
    const afterMs = Math.max(restLeftMs, isDamage(error) ? REST_MS[0] : 0);
    if (afterMs <= 0) this.#reopen(error);
    else void this.#reopenLater(error, now, afterMs);
    return true;
  }

  /** Begins nothing any more. */
  close(): void {
    this.#closing.abort();
  }

  async #reopenLater(error: DleError, now: number, afterMs: number): Promise<void> {
    const { clock, logger } = this.#components;
    const { signal } = this.#closing;
    this.#dueAt = now + afterMs;
    logger.error({ code: error.code }, `this node has failed: ${error.message}; ${this.outlook}`);
    await pause(clock, afterMs, signal);
    this.#dueAt = undefined;
    if (!signal.aborted && this.#isOut) this.#reopen(error);
  }

  /** Whether this node takes no part still: it may have been repaired. */
  get #isOut(): boolean {
    const { keeper, participation } = this.#components;
    if (keeper.isReplacing) return false;
    return (
      participation.consensus === undefined || participation.consensus.raft.stopped !== undefined
    );
  }

  #reopen(error: DleError): void {
    const { clock, logger, keeper, participation, open } = this.#components;
    this.#last = clock.now();
    logger.warn({ code: error.code }, `the data is opened anew: ${error.message}`);
    const why = 'this node opens its data anew, for its disk has failed';
    const replaced = keeper.replace(participation, why, async (old) => {
      try {
        // What could not be written has been told to whoever waited for it.
        await old.abandon(logger);
        return await open();
      } finally {
        // That may have taken long.
        this.#last = clock.now();
      }
    });
    // The keeper tells the node of what it cannot go on for.
    replaced.catch(() => undefined);
  }
}
