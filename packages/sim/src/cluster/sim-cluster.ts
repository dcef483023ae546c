import type { DleError } from '@dle/common';
import { InvariantViolation } from '@dle/raft/testing';
import type { Chronicle } from '../checks/chronicle.js';
import type { Coverage } from '../checks/coverage.js';
import { Invariants } from '../checks/invariants.js';
import { Dice } from '../dice.js';
import { VirtualNetwork } from '../network/virtual-network.js';
import type { Plan } from '../plan.js';
import { Life } from '../time/life.js';
import { type Actor, VirtualTime, WORLD } from '../time/virtual-time.js';
import { settledConfiguration } from './at-rest.js';
import { Machine, type MachineComponents } from './machine.js';

/** What a node may stop for whose disk has been replaced by an empty one. */
const WIPED_CODES: ReadonlySet<string> = new Set(['DLE_WIPED_MEMBER', 'DLE_MEMBER_REMOVED']);

/**
 * What a node may stop for whose data is damaged, where it cannot have it repaired: all of it may
 * be gone, and both copies of who it is.
 */
const DAMAGE_CODES: ReadonlySet<string> = new Set([
  'DLE_CORRUPT',
  'DLE_FORMAT',
  'DLE_IO',
  'DLE_WIPED_MEMBER',
]);

/** What a node may stop for whose disk has been made to fail, or has been full. */
const DISK_CODES: ReadonlySet<string> = new Set([
  'DLE_IO',
  'DLE_STORAGE_POISONED',
  'DLE_DISK_FULL',
]);

export interface SimClusterComponents {
  readonly dice: Dice;
  readonly chronicle: Chronicle;
  readonly coverage: Coverage;
  readonly disguise: MachineComponents['disguise'];
}

/**
 * Machines and the network between them. Whatever ends is started again after a while, unless it
 * ended for a reason that it has not been given.
 */
export class SimCluster {
  readonly time: VirtualTime;
  readonly network: VirtualNetwork;
  readonly machines: readonly Machine[];
  readonly invariants: Invariants;
  readonly coverage: Coverage;
  readonly dice: Dice;
  readonly #chronicle: Chronicle;
  readonly #plan: Plan;
  readonly #machineOf = new Map<Actor, Machine>();
  /** Machines whose disks have been meddled with since they started. */
  readonly #meddled = new Set<Machine>();
  /** Lives whose node takes no more part. */
  readonly #failed = new Set<Life>();
  /** What was found broken where nobody would have caught it. */
  #broken: InvariantViolation | undefined;
  readonly #removed = new Set<Machine>();
  readonly #wiped = new Set<Machine>();
  readonly #harmed = new Set<Machine>();
  readonly #listeners: ((machine: Machine) => void)[] = [];
  #watcher: () => void = () => {};
  #lives = 0;
  #isCalm = false;

  constructor({ dice, chronicle, coverage, disguise }: SimClusterComponents, plan: Plan) {
    this.dice = dice;
    this.coverage = coverage;
    this.#chronicle = chronicle;
    this.#plan = plan;
    this.time = new VirtualTime((actor) => this.#happened(actor));
    const stream = (): Dice => new Dice(dice.random.nextUint32(), 0);
    this.network = new VirtualNetwork({ time: this.time, dice: stream(), coverage }, plan.network);
    this.invariants = new Invariants(
      {
        dice: stream(),
        coverage,
        now: () => this.time.now,
        isHarmed: (machine) => this.#harmed.has(machine),
        elected: (machine) => {
          for (const listener of this.#listeners) listener(machine);
        },
      },
      { diskTimeoutMs: plan.tuning.core.diskTimeoutMs },
    );
    const components = {
      time: this.time,
      network: this.network,
      chronicle,
      dice,
      disguise,
      nextNumber: () => ++this.#lives,
      born: (life: Life, machine: Machine) => void this.#machineOf.set(life, machine),
      exited: (machine: Machine, error: DleError) => this.#exited(machine, error),
    };
    this.machines = Array.from(
      { length: plan.nodes + plan.spares },
      (_, at) => new Machine(components, plan, at + 1),
    );
  }

  /** Machines whose nodes say that they have been removed. */
  get removed(): ReadonlySet<Machine> {
    return this.#removed;
  }

  /** Machines that have lost their disks, and are still to be replaced. */
  get wiped(): ReadonlySet<Machine> {
    return this.#wiped;
  }

  /** `listener` is told of each node that begins to lead. */
  onLeader(listener: (machine: Machine) => void): void {
    this.#listeners.push(listener);
  }

  /** `watcher`, in the place of another one, is told when something has happened to a node. */
  watch(watcher: () => void): void {
    this.#watcher = watcher;
  }

  /** Election timeouts in milliseconds: the measure of how long things take. */
  timeouts(count: number): number {
    return count * this.#plan.options.electionTimeoutMs;
  }

  say(who: string, what: string): void {
    this.#chronicle.say(this.time.now, who, what);
  }

  /** A process other than a node, for as long as the run takes. */
  makeLife(): Life {
    const number = ++this.#lives;
    const startMs = this.dice.within(0, 1_000);
    return new Life(this.time, { number, rate: 1, startMs, isDown: () => false });
  }

  /** Has `action` happen, for which no process is needed. */
  schedule(afterMs: number, action: () => void): void {
    this.time.schedule(afterMs, WORLD, action);
  }

  /** The disk of `machine` may fail from now on. */
  meddle(machine: Machine): void {
    this.#meddled.add(machine);
  }

  start(machine: Machine): void {
    if (machine.isRunning) return;
    const { capacityBytes, down } = machine.vfs;
    // What was planned ends with the process, unless that was closed.
    if (down && capacityBytes === Number.POSITIVE_INFINITY) this.#meddled.delete(machine);
    machine.start();
  }

  /** Its disk is lost, and what it had promised with it: another machine has to take its place. */
  wipe(machine: Machine): void {
    machine.wipe();
    this.invariants.forget(machine);
    this.#wiped.add(machine);
    this.startLater(machine);
  }

  /** Machines whose data has been damaged. */
  get harmed(): ReadonlySet<Machine> {
    return this.#harmed;
  }

  /** Whether the others, without those whose data is damaged already, are a majority. */
  mayHarm(machine: Machine): boolean {
    if (machine.isSpare || this.#wiped.size > 0) return false;
    const voters = settledConfiguration(this)?.voters ?? [];
    if (!voters.includes(machine.id)) return false;
    return this.#harmed.has(machine) || 2 * (this.#harmed.size + 1) < voters.length;
  }

  /** The data of all is whole again. */
  healed(): void {
    this.#harmed.clear();
  }

  harm(machine: Machine): void {
    this.#harmed.add(machine);
  }

  /** A machine that had lost its disk is no member any more. */
  replaced(machine: Machine): void {
    this.#wiped.delete(machine);
    this.#removed.add(machine);
  }

  startLater(machine: Machine, ms: number = this.dice.between(0, this.timeouts(4))): void {
    const afterMs = this.#isCalm ? 0 : ms;
    const { life } = machine;
    this.schedule(afterMs, () => {
      // Somebody else may have started it meanwhile.
      if (machine.life !== life) return;
      this.coverage.count('started again');
      this.start(machine);
    });
  }

  /** Ends all faults: everything runs, hears everybody, and is quick. */
  calmDown(): void {
    this.#isCalm = true;
    this.network.calmDown();
    for (const machine of this.machines) {
      machine.device.calmDown();
      machine.vfs.plan({});
      machine.vfs.capacityBytes = Number.POSITIVE_INFINITY;
      machine.goOn();
      if (!machine.isRunning) this.start(machine);
    }
  }

  #happened(actor: Actor): void {
    this.#chronicle.add(this.time.now, actor.number);
    if (this.#broken !== undefined) throw this.#broken;
    // The network, the nemesis, or a disk may have ended it in the midst of something.
    const machine = this.#machineOf.get(actor);
    if (machine === undefined) return;
    if (actor.gone) this.#gone(actor, machine);
    else {
      this.#checkStaysOut(machine);
      this.invariants.look(machine);
      this.#notice(machine);
    }
    this.#watcher();
  }

  /** Whoever has lost what it had promised is none of them any more, under that id. */
  #checkStaysOut(machine: Machine): void {
    if (!this.#wiped.has(machine) || machine.node?.internals.consensus === undefined) return;
    throw new InvariantViolation(`${machine.name} takes part, and its disk was replaced`);
  }

  #gone(actor: Actor, machine: Machine): void {
    this.#machineOf.delete(actor);
    if (machine.life !== actor || machine.vfs.end?.operation === undefined) return;
    const { kind } = machine.vfs.end;
    this.invariants.interrupted(machine);
    this.coverage.count(kind === 'crash' ? 'crashed in an operation' : 'killed in an operation');
    machine.noticeEnd();
    this.startLater(machine);
  }

  /** A node whose disk has failed goes on without taking part: somebody starts it again. */
  #notice(machine: Machine): void {
    const { life, node } = machine;
    const stopped = node?.internals.failure;
    if (stopped === undefined || machine.isClosing || this.#failed.has(life)) return;
    this.#failed.add(life);
    if (node!.status().role === 'removed') {
      this.coverage.count('left, removed');
      this.#removed.add(machine);
      return;
    }
    this.say(machine.name, `takes no more part: ${stopped.code} ${stopped.message}`);
    this.#judge(machine, stopped);
    this.coverage.count('took no more part');
    const afterMs = this.#isCalm ? 0 : this.dice.between(0, this.timeouts(4));
    this.schedule(afterMs, () => {
      if (machine.life !== life || life.gone) return;
      if (this.dice.chance(0.5)) machine.kill();
      else machine.crash();
      this.startLater(machine);
    });
  }

  #exited(machine: Machine, error: DleError): void {
    const isGone = this.#wiped.has(machine) || this.#removed.has(machine);
    const isHarmed = this.#harmed.has(machine) && DAMAGE_CODES.has(error.code);
    if (isGone && (isHarmed || WIPED_CODES.has(error.code))) {
      this.coverage.count('left, wiped');
      return;
    }
    if (error.code === 'DLE_MEMBER_REMOVED') {
      // It says that it must not be started again.
      this.coverage.count('left, removed');
      this.#removed.add(machine);
      return;
    }
    if (this.#harmed.has(machine) && DAMAGE_CODES.has(error.code)) {
      this.coverage.count('beyond repair');
      this.invariants.forget(machine);
      this.#wiped.add(machine);
      return;
    }
    this.#judge(machine, error);
    this.coverage.count('exited by itself');
    this.startLater(machine);
  }

  #judge(machine: Machine, error: DleError): void {
    if (this.#meddled.has(machine) && DISK_CODES.has(error.code)) return;
    if (this.#harmed.has(machine) && DAMAGE_CODES.has(error.code)) return;
    const why = `${machine.name} ended for no reason: ${error.code} ${error.message}`;
    this.#broken ??= new InvariantViolation(why, { cause: error });
  }
}
