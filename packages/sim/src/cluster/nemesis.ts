import type { SimEvent } from '../checks/coverage.js';
import type { Fault, Plan } from '../plan.js';
import type { Machine } from './machine.js';
import type { SimCluster } from './sim-cluster.js';

/** Most that packets of a slow link are slowed down by. */
const MAX_SLOW = 30;
/** Most I/O operations until one that something happens in. */
const MAX_OPERATIONS = 200;
/** Most bytes that a disk has left that is about to be full. */
const MAX_ROOM = 30_000;

type Meddling = Extract<
  Fault,
  'crashInOperation' | 'killInOperation' | 'fillDisk' | 'failFlush' | 'failWrite'
>;
type Disturbance = Exclude<Fault, Meddling | 'crash' | 'blackout' | 'kill' | 'restart' | 'pause'>;

/** Operations that change nothing: looking into a node must not end it. */
const LOOKS = /^(?:open|read|size|identify)\b/;

/** Lets the faults of a plan befall a cluster, one after the other, until it is stopped. */
export class Nemesis {
  readonly #cluster: SimCluster;
  readonly #plan: Plan;
  /** Hosts of clients. */
  readonly #others: readonly number[];
  #stopped = false;

  constructor(cluster: SimCluster, plan: Plan, clientHosts: readonly number[]) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#others = clientHosts;
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
  }

  #next(): void {
    const { dice } = this.#cluster;
    this.#cluster.schedule(dice.between(1, 2 * this.#plan.msBetweenFaults), () => {
      if (this.#stopped) return;
      this.#befall(dice.pick(this.#plan.faults));
      this.#next();
    });
  }

  #befall(fault: Fault): void {
    const running = this.#cluster.machines.filter(({ isRunning }) => isRunning);
    if (running.length === 0) return;
    const machine = this.#choose(running);
    this.#cluster.coverage.count(`fault: ${fault}` satisfies SimEvent);
    switch (fault) {
      case 'crash':
        machine.crash();
        this.#cluster.startLater(machine);
        break;
      case 'blackout':
        this.#blackOut(running);
        break;
      case 'kill':
        machine.kill();
        this.#cluster.startLater(machine);
        break;
      case 'restart':
        this.#restart(machine);
        break;
      case 'pause':
        machine.pause(this.#cluster.dice.between(1, this.#cluster.timeouts(4)));
        break;
      case 'crashInOperation':
      case 'killInOperation':
      case 'fillDisk':
      case 'failFlush':
      case 'failWrite':
        this.#meddle(fault, machine);
        break;
      default:
        this.#disturb(fault, machine);
    }
  }

  /** Faults hurt most where a leader is. */
  #choose(running: readonly Machine[]): Machine {
    const { dice } = this.#cluster;
    const leading = running.filter(({ node }) => node?.internals.consensus?.raft.isLeader);
    return dice.pick(leading.length > 0 && dice.chance(0.4) ? leading : running);
  }

  /** The power fails for many at once: what is on no disk is nowhere. */
  #blackOut(running: readonly Machine[]): void {
    const { dice } = this.#cluster;
    const share = dice.pick([0.5, 0.8, 1]);
    for (const machine of running.filter(() => dice.chance(share))) {
      machine.crash();
      this.#cluster.startLater(machine);
    }
  }

  #restart(machine: Machine): void {
    if (machine.node === undefined || machine.isClosing || machine.isPaused) return;
    machine.close(() => this.#cluster.startLater(machine));
  }

  #meddle(fault: Meddling, machine: Machine): void {
    const { dice } = this.#cluster;
    const { vfs } = machine;
    const at = dice.magnitude(MAX_OPERATIONS);
    const counts = (operation: string): boolean => !LOOKS.test(operation);
    this.#cluster.say(machine.name, `is to meet ${fault} at ${at}`);
    if (fault === 'crashInOperation') vfs.plan({ crashAtOperation: at, counts });
    else if (fault === 'killInOperation') vfs.plan({ killAtOperation: at, counts });
    else {
      this.#cluster.meddle(machine);
      if (fault === 'failFlush') vfs.plan({ failFlush: dice.magnitude(20) });
      else if (fault === 'failWrite') vfs.plan({ failWrite: dice.magnitude(20) });
      else this.#fill(machine);
    }
  }

  #fill({ vfs, name }: Machine): void {
    const { dice } = this.#cluster;
    vfs.capacityBytes = vfs.usedBytes + dice.magnitude(MAX_ROOM);
    this.#cluster.schedule(dice.between(1, this.#cluster.timeouts(6)), () => {
      this.#cluster.say(name, 'has room on its disk again');
      vfs.capacityBytes = Number.POSITIVE_INFINITY;
    });
  }

  #disturb(fault: Disturbance, { id, name }: Machine): void {
    const { network, dice, machines } = this.#cluster;
    const { links } = network;
    const nodes = machines.map((machine) => machine.id);
    // Clients that still reach a node which is cut off see what it makes of that.
    const hosts = dice.chance(0.5) ? nodes : [...nodes, ...this.#others];
    const others = hosts.filter((host) => host !== id);
    this.#cluster.say(name, `meets ${fault}`);
    if (fault === 'heal') {
      links.heal();
      network.speedUp();
    } else if (others.length === 0) return;
    else if (fault === 'isolate') links.split([id], others);
    else if (fault === 'deafen') for (const other of others) links.cut(other, id);
    else if (fault === 'cutOneWay') links.cut(id, dice.pick(others));
    else if (fault === 'slowLinks') network.slowDown(id, dice.between(2, MAX_SLOW));
    else if (fault === 'split') {
      const side = others.filter(() => dice.chance(0.5));
      links.split(
        [id, ...side],
        others.filter((other) => !side.includes(other)),
      );
    } else this.#break(fault === 'break', id);
  }

  /** Some of the connections of a host break, for both ends or for this one only. */
  #break(bothSides: boolean, host: number): void {
    const { network, dice } = this.#cluster;
    for (const socket of network.sockets) {
      const isHit = socket.host === host || (bothSides && socket.remoteHost === host);
      if (isHit && dice.chance(0.5)) socket.break('ECONNRESET');
    }
  }
}
