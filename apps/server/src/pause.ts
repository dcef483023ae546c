import type { Clock } from '@dle/common';

/** Resolves after `delayMs`, or when `signal` aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.setTimer(done, delayMs);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done);
  });
}
