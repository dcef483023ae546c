import type { ProcessFault } from '../plan.js';
import type { FaultAction, Strike } from './strike.js';

/** What ends processes, or stops them for a while. */
export const PROCESS_FAULTS: Readonly<Record<ProcessFault, FaultAction>> = {
  crash: ({ cluster, machine }) => {
    machine.crash();
    cluster.startLater(machine);
    return true;
  },
  kill: ({ cluster, machine }) => {
    machine.kill();
    cluster.startLater(machine);
    return true;
  },
  blackout,
  absence,
  restart: ({ cluster, machine }) => {
    if (machine.node === undefined || machine.isClosing || machine.isPaused) return false;
    machine.close(() => cluster.startLater(machine));
    return true;
  },
  pause: ({ cluster, machine, dice }) => {
    machine.pause(dice.between(1, cluster.timeouts(4)));
    return true;
  },
};

/** The power fails for many at once: what is on no disk is nowhere. */
function blackout({ cluster, running, dice }: Strike): boolean {
  const share = dice.pick([0.5, 0.8, 1]);
  const areBackAtOnce = dice.chance(0.3);
  for (const machine of running.filter(() => dice.chance(share))) {
    machine.crash();
    cluster.startLater(machine, areBackAtOnce ? 0 : undefined);
  }
  return true;
}

/** One is away for so long that the others have gone far ahead. */
function absence({ cluster, machine, dice }: Strike): boolean {
  machine.crash();
  cluster.startLater(machine, dice.between(cluster.timeouts(5), cluster.timeouts(40)));
  return true;
}
