import { setImmediate } from 'node:timers/promises';
import { CrashFailure } from './crash-failure.js';
import { type CrashRunOptions, type CrashRunResult, runCrashes } from './crash-run.js';

/** Runs `count` seeds, from `first` on. Throws `CrashFailure` for the first that shows a defect. */
export async function runSeeds(
  first: number,
  count: number,
  options: CrashRunOptions,
  done: (result: CrashRunResult) => void,
): Promise<void> {
  const unheard: unknown[] = [];
  const listen = (thrown: unknown): void => {
    unheard.push(thrown);
  };
  process.on('unhandledRejection', listen);
  try {
    for (let seed = first; seed < first + count; seed++) {
      done(await runCrashes(seed, options));
      // Runs do not go through the event loop: whoever else lives in it gets his turn here, and a
      // promise that was rejected without anybody looking is reported.
      await setImmediate();
      if (unheard.length === 0) continue;
      const cause = new Error(`nobody handles a rejection: ${unheard[0]}`, { cause: unheard[0] });
      throw new CrashFailure(seed, [], cause);
    }
  } finally {
    process.off('unhandledRejection', listen);
  }
}
