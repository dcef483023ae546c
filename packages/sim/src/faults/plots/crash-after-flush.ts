import { logOf } from '../cast.js';
import { type Course, electionMs, until } from '../director.js';
import type { Strike } from '../strike.js';

/** Most flushes until the one that a crash comes behind. */
const MOST_FLUSHES = 20;

/** The power fails when a flush has just ended, and the next one has done nothing yet. */
export function* crashAfterFlush({ cluster, machine, dice }: Strike): Course {
  for (let left = dice.magnitude(MOST_FLUSHES); left > 0; left--) {
    const flushed = logOf(machine)?.flushed ?? 0;
    yield until(() => (logOf(machine)?.flushed ?? 0) > flushed, electionMs(cluster));
  }
  machine.crash();
  cluster.startLater(machine);
  return true;
}
