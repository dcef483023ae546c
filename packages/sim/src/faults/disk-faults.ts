import type { Machine } from '../cluster/machine.js';
import type { Dice } from '../dice.js';
import type { DiskFault } from '../plan.js';
import type { FaultAction, Strike } from './strike.js';

/** Most I/O operations until one that something happens in. */
const MAX_OPERATIONS = 200;
/** Most writes or flushes until the one that fails. */
const MAX_CALLS = 20;
/** Most bytes that a disk has left that is about to be full. */
const MAX_ROOM = 30_000;
/** Most bits of a file that are flipped at once. */
const MAX_FLIPS = 30;
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
  rot: (strike) => harm(strike, rot),
  loseFile: (strike) => harm(strike, ({ vfs }, path) => vfs.unlinkSync(path)),
  wipe: ({ cluster, machine }) => {
    machine.crash();
    cluster.wipe(machine);
    return true;
  },
};

/** The data of one file of a machine whose data others can do without. */
function harm({ cluster, dice, running }: Strike, how: typeof rot): boolean {
  const machine = running.find((each) => cluster.mayHarm(each));
  const paths = machine?.vfs.paths.filter((path) => machine.vfs.sizeOf(path) > 0) ?? [];
  if (machine === undefined || paths.length === 0) return false;
  const path = dice.pick(paths);
  cluster.say(machine.name, `is harmed in ${path}`);
  cluster.harm(machine);
  how(machine, path, dice);
  return true;
}

function rot({ vfs }: Machine, path: string, dice: Dice): void {
  const content = vfs.contentOf(path);
  // Most of a file is room that has been set aside, and that nobody looks at.
  const written = 1 + content.findLastIndex((byte) => byte !== 0);
  const size = written > 0 && dice.chance(0.8) ? written : content.length;
  for (let left = dice.magnitude(MAX_FLIPS); left > 0; left--) {
    vfs.flipBit(path, dice.between(0, size - 1), dice.between(0, 7));
  }
}

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
