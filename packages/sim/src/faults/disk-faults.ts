import type { DiskFault } from '../plan.js';
import type { FaultAction, Strike } from './strike.js';

/** Most I/O operations until one that something happens in. */
const MAX_OPERATIONS = 200;
/** Most writes or flushes until the one that fails. */
const MAX_CALLS = 20;
/** Most bytes that a disk has left that is about to be full. */
const MAX_ROOM = 30_000;
/** Most that the operations of a slow disk are slowed down by. */
const MAX_SLOW = 50;

/** Operations that change nothing: looking into a node must not end it. */
const LOOKS = /^(?:open|read|size|identify)\b/;

/** What disks do. */
export const DISK_FAULTS: Readonly<Record<DiskFault, FaultAction>> = {
  crashInOperation: ({ machine, dice }) => {
    machine.vfs.plan({ crashAtOperation: dice.magnitude(MAX_OPERATIONS), counts });
    return true;
  },
  killInOperation: ({ machine, dice }) => {
    machine.vfs.plan({ killAtOperation: dice.magnitude(MAX_OPERATIONS), counts });
    return true;
  },
  fillDisk,
  failFlush: ({ cluster, machine, dice }) => {
    cluster.meddle(machine);
    machine.vfs.plan({ failFlush: dice.magnitude(MAX_CALLS) });
    return true;
  },
  failWrite: ({ cluster, machine, dice }) => {
    cluster.meddle(machine);
    machine.vfs.plan({ failWrite: dice.magnitude(MAX_CALLS) });
    return true;
  },
  slowDisk: ({ cluster, machine, dice }) => {
    machine.device.slowDown(dice.between(2, MAX_SLOW), dice.between(1, cluster.timeouts(8)));
    return true;
  },
  hangDisk: ({ cluster, machine, dice }) => {
    machine.device.hang(dice.between(1, cluster.timeouts(8)));
    return true;
  },
  wipe: ({ cluster, machine }) => {
    machine.crash();
    cluster.wipe(machine);
    return true;
  },
};

function fillDisk({ cluster, machine, dice }: Strike): boolean {
  const { vfs, name } = machine;
  cluster.meddle(machine);
  vfs.capacityBytes = vfs.usedBytes + dice.magnitude(MAX_ROOM);
  cluster.schedule(dice.between(1, cluster.timeouts(6)), () => {
    cluster.say(name, 'has room on its disk again');
    vfs.capacityBytes = Number.POSITIVE_INFINITY;
  });
  return true;
}

function counts(operation: string): boolean {
  return !LOOKS.test(operation);
}
