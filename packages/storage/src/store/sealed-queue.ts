import type { Directories } from '../directory/directories.js';
import type { Listed } from '../directory/sealed-segment.js';
import type { Log } from '../log/log.js';

export interface SealedQueueComponents {
  readonly log: Log;
  readonly directories: Directories;
  readonly applied: { readonly appliedIndex: number };
}

/**
 * The sealed segments of a log that consensus writes, from the moment they are sealed to that at
 * which nothing in them can change its meaning any more: every entry there is applied, or replaced
 * by a frame that is on the device. Then their key directories are made, in the order of the log.
 */
export class SealedQueue {
  readonly #components: SealedQueueComponents;
  readonly #waiting: Listed[] = [];

  constructor(components: SealedQueueComponents) {
    this.#components = components;
    const { log } = components;
    // A directory of one that was read at the start may have been made before that.
    for (const segment of log.unvouched) this.#waiting.push({ ...segment, mayBeThere: true });
    log.onSealed((segment) => {
      this.#waiting.push(segment);
      this.check();
    });
    log.onFlushed(() => this.check());
    this.check();
  }

  /** Something has been applied, or flushed. */
  check(): void {
    const { log, directories } = this.#components;
    if (log.failure !== undefined) return;
    const { dead } = log.entries;
    while (this.#waiting.length > 0 && this.#isSettled(this.#waiting[0]!.id)) {
      const segment = this.#waiting.shift()!;
      directories.make({ ...segment, dead: dead.of(segment.id) });
    }
  }

  #isSettled(segment: number): boolean {
    const { log, applied } = this.#components;
    const { entries } = log;
    if (entries.dead.replacedBy(segment) > log.flushed) return false;
    const next = applied.appliedIndex + 1;
    return next > entries.lastIndex || entries.segmentAt(next) > segment;
  }
}
