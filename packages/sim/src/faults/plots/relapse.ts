import { logOf } from '../cast.js';
import { type Course, electionMs, pauseOf, shortWhile, until } from '../director.js';
import type { Strike } from '../strike.js';

/**
 * A process is killed with something unflushed, and the power fails when it has just started again:
 * what it read meanwhile, only the page cache had.
 */
export function* relapse({ cluster, machine, dice }: Strike): Course {
  yield until(() => {
    const log = logOf(machine);
    return log !== undefined && log.submitted > log.flushed;
  }, electionMs(cluster));
  machine.kill();
  cluster.startLater(machine, dice.between(0, cluster.timeouts(1)));
  yield until(() => logOf(machine) !== undefined, electionMs(cluster));
  yield pauseOf(shortWhile(cluster, dice, 3));
  if (!machine.isRunning) return false;
  machine.crash();
  cluster.startLater(machine);
  return true;
}
