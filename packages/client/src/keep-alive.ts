/** Far enough away never to matter; the longest that a timer takes. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * Holds the process while calls are under way. Timers of the clock hold none, so that an idle
 * client lets a program end; but a program that awaits a put while no node can be reached has no
 * socket either, and would end in the middle of it.
 */
export class KeepAlive {
  #calls = 0;
  /** Kept from call to call: a timer takes longer to make than to hold the process, or not. */
  #timer: NodeJS.Timeout | undefined;

  begin(): void {
    if (this.#calls++ > 0) return;
    this.#timer ??= setInterval(() => {}, NEVER_MS);
    this.#timer.ref();
  }

  end(): void {
    if (--this.#calls === 0) this.#timer?.unref();
  }

  /** No call is begun any more. */
  close(): void {
    clearInterval(this.#timer);
  }
}
