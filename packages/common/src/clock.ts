/**
 * The port for time. Nothing in dle looks at a clock or sets a timer but through it, so a simulator
 * can own time.
 */
export interface Clock {
  /** Monotonic milliseconds, fractions allowed; only differences mean anything. */
  now(): number;
  /**
   * Calls back once after `delayMs`, unless cancelled by the function it returns. Keeps no process
   * alive.
   */
  setTimer(callback: () => void, delayMs: number): () => void;
  /**
   * Calls back when the present turn of the event loop ends: after all I/O callbacks that are ready
   * now.
   */
  defer(callback: () => void): void;
}

/** The real clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  defer(callback) {
    setImmediate(callback);
  },
};
