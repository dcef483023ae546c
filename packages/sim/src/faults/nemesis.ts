import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import { Dice } from '../dice.js';
import { type Fault, isPlot, LOSSES, type Plan, type PlotFault } from '../plan.js';
import { Director } from './director.js';
import { DISK_FAULTS } from './disk-faults.js';
import { NETWORK_FAULTS } from './network-faults.js';
import { PLOTS, UNDISTURBED } from './plots.js';
import { PROCESS_FAULTS } from './process-faults.js';
import type { Strike } from './strike.js';
import { Succession } from './succession.js';

export interface NemesisComponents {
  readonly cluster: SimCluster;
  /** Hosts of clients. */
  readonly clientHosts: readonly number[];
  /** Whether data of one may be lost for good just now. */
  readonly mayWipe: (machine: Machine) => boolean;
}

export interface NemesisOptions {
  /** Numbers of faults that are not to befall anybody; those that remain are drawn as ever. */
  readonly without: ReadonlySet<number>;
}

/** Lets the faults of a plan befall a cluster, one after the other, until it is stopped. */
export class Nemesis {
  readonly #components: NemesisComponents;
  readonly #plan: Plan;
  readonly #without: ReadonlySet<number>;
  readonly #seed: number;
  readonly #succession: Succession;
  readonly #director: Director;
  /** The last that was begun. */
  #plot: PlotFault | undefined;
  #number = 0;
  #stopped = false;

  constructor(components: NemesisComponents, plan: Plan, options: NemesisOptions) {
    this.#components = components;
    this.#plan = plan;
    this.#without = options.without;
    this.#seed = components.cluster.dice.random.nextUint32();
    this.#succession = new Succession(components.cluster);
    this.#director = new Director(components.cluster);
    if (plan.bornApartMs > 0) this.#bearApart();
    this.#next();
  }

  /** How many faults have come, those included that were left out. */
  get count(): number {
    return this.#number;
  }

  stop(): void {
    this.#stopped = true;
    this.#succession.stop();
    this.#director.stop();
  }

  #next(): void {
    // Of its own for each: to leave one out changes none of the others.
    const dice = new Dice(this.#seed, this.#number + 1);
    const { cluster } = this.#components;
    const afterMs = this.#number === 0 ? this.#plan.bornApartMs : 0;
    cluster.schedule(afterMs + dice.between(1, 2 * this.#plan.msBetweenFaults), () => {
      if (this.#stopped) return;
      this.#number++;
      const fault = dice.pick(this.#plan.faults);
      if (this.#mayCome(fault)) this.#befall(fault, dice);
      this.#next();
    });
  }

  #mayCome(fault: Fault): boolean {
    if (this.#without.has(this.#number)) return false;
    if (!this.#director.isBusy) return true;
    return !isPlot(fault) && this.#plot !== undefined && !UNDISTURBED.has(this.#plot);
  }

  #befall(fault: Fault, dice: Dice): void {
    const { cluster, clientHosts } = this.#components;
    const all = cluster.machines.filter(({ isRunning }) => isRunning);
    const running = LOSSES.includes(fault) ? all.filter(this.#components.mayWipe) : all;
    if (running.length === 0) return;
    const machine = choose(running, dice);
    const strike: Strike = { cluster, dice, machine, running, clientHosts };
    cluster.say(machine.name, `meets ${fault}, number ${this.#number}`);
    const count = (): void => cluster.coverage.count(`fault: ${fault}`);
    if (isPlot(fault)) {
      this.#plot = fault;
      this.#director.begin(PLOTS[fault](strike), count);
    } else if (fault === 'succession') {
      this.#succession.begin(dice);
      count();
    } else if (ACTIONS[fault](strike)) count();
  }

  /** Two halves do not hear each other when they start. */
  #bearApart(): void {
    const { cluster } = this.#components;
    const { links } = cluster.network;
    const ids = cluster.machines.filter(({ isSpare }) => !isSpare).map(({ id }) => id);
    const half = Math.floor(ids.length / 2);
    links.split(ids.slice(0, half), ids.slice(half));
    cluster.coverage.count('halves born apart');
    cluster.schedule(this.#plan.bornApartMs, () => links.heal());
  }
}

const ACTIONS = { ...PROCESS_FAULTS, ...DISK_FAULTS, ...NETWORK_FAULTS };

/** Faults hurt most where a leader is. */
function choose(running: readonly Machine[], dice: Dice): Machine {
  const leading = running.filter(({ node }) => node?.internals.consensus?.raft.isLeader);
  return dice.pick(leading.length > 0 && dice.chance(0.4) ? leading : running);
}
