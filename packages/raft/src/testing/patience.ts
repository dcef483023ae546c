import { systemClock } from '@dle/common';

/** How long a compliance suite waits for what a port must do some time, in milliseconds. */
const DEFAULT_PATIENCE_MS = 10_000;

/** Resolves as `promise` does; rejects, and says what was awaited, when patience has run out. */
export async function withPatience<T>(
  promise: Promise<T>,
  what: string,
  patienceMs: number = DEFAULT_PATIENCE_MS,
): Promise<T> {
  let cancel = (): void => {};
  const over = new Promise<never>((_, reject) => {
    const complain = (): void => reject(new Error(`waited ${patienceMs} ms in vain: ${what}`));
    cancel = systemClock.setTimer(complain, patienceMs);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    cancel();
  }
}
