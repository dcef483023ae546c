import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const NANOSECONDS_PER_MS = 1e6;

export interface Stalls {
  /** The longest that the event loop took to come round, by either meter. */
  readonly longestMs: number;
  /** Of a timer that fires every millisecond, how much later it fired in 99.9 % of cases. */
  readonly p999Ms: number;
}

/**
 * Two meters of how long the event loop stands still, since each has a blind spot: a timer of the
 * runtime misses what happens between two of its firings; turns that are counted here miss what
 * the runtime does outside of them.
 */
export class StallMeter {
  readonly #monitor: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #lastTurn = 0;
  #longestTurnMs = 0;

  start(): void {
    this.#lastTurn = performance.now();
    this.#monitor.enable();
  }

  /** Once in each turn of the event loop. Returns the longest so far, in milliseconds. */
  turn(): number {
    const now = performance.now();
    this.#longestTurnMs = Math.max(this.#longestTurnMs, now - this.#lastTurn);
    this.#lastTurn = now;
    return this.#longestTurnMs;
  }

  stop(): Stalls {
    this.#monitor.disable();
    // The runtime counts the wait itself as well.
    const late = (nanoseconds: number) =>
      Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
    return {
      longestMs: Math.max(this.#longestTurnMs, late(this.#monitor.max)),
      p999Ms: late(this.#monitor.percentile(99.9)),
    };
  }
}
