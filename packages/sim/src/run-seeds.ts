import { setImmediate } from 'node:timers/promises';
import {
  SimulationFailure,
  type SimulationOptions,
  type SimulationResult,
  simulate,
} from './simulation.js';

/** Runs `count` seeds, from `first` on; returns what failed, and tells of it at once. */
export async function runSeeds(
  first: number,
  count: number,
  options: SimulationOptions,
  done: (result: SimulationResult) => void,
  failed: (failure: SimulationFailure) => void = () => {},
): Promise<SimulationFailure[]> {
  const failures: SimulationFailure[] = [];
  const unheard: unknown[] = [];
  const listen = (thrown: unknown): void => {
    unheard.push(thrown);
  };
  process.on('unhandledRejection', listen);
  try {
    for (let seed = first; seed < first + count; seed++) {
      try {
        done(await simulate(seed, options));
      } catch (thrown) {
        if (!(thrown instanceof SimulationFailure)) throw thrown;
        failures.push(thrown);
        failed(thrown);
      }
      // Runs do not go through the event loop: a promise that was rejected without anybody looking
      // is reported when they do.
      await setImmediate();
      for (const cause of unheard.splice(0)) {
        const what = new Error(`nobody handles a rejection: ${cause}`, { cause });
        const failure = new SimulationFailure(seed, { events: 0, faults: 0, lines: [] }, what);
        failures.push(failure);
        failed(failure);
      }
    }
  } finally {
    process.off('unhandledRejection', listen);
  }
  return failures;
}
