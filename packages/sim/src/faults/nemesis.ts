import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import { Dice } from '../dice.js';
import type { Fault, Plan } from '../plan.js';
import { DISK_FAULTS } from './disk-faults.js';
import { NETWORK_FAULTS } from './network-faults.js';
import { PROCESS_FAULTS } from './process-faults.js';
import type { Strike } from './strike.js';
import { Succession } from './succession.js';

export interface NemesisComponents {
  readonly cluster: SimCluster;
  /** Hosts of clients. */
  readonly clientHosts: readonly number[];
  /** Whether the disk of one may be lost for good just now. */
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
  #number = 0;
  #stopped = false;

  constructor(components: NemesisComponents, plan: Plan, options: NemesisOptions) {
    this.#components = components;
    this.#plan = plan;
    this.#without = options.without;
    this.#seed = components.cluster.dice.random.nextUint32();
    this.#succession = new Succession(components.cluster);
    this.#next();
  }

  /** How many faults have come, those included that were left out. */
  get count(): number {
    return this.#number;
  }

  stop(): void {
    this.#stopped = true;
    this.#succession.stop();
  }

  #next(): void {
    // Of its own for each: to leave one out changes none of the others.
    const dice = new Dice(this.#seed, this.#number + 1);
    const { cluster } = this.#components;
    cluster.schedule(dice.between(1, 2 * this.#plan.msBetweenFaults), () => {
      if (this.#stopped) return;
      this.#number++;
      if (!this.#without.has(this.#number)) this.#befall(dice.pick(this.#plan.faults), dice);
      this.#next();
    });
  }

  #befall(fault: Fault, dice: Dice): void {
    const { cluster, clientHosts } = this.#components;
    const all = cluster.machines.filter(({ isRunning }) => isRunning);
    const running = fault === 'wipe' ? all.filter(this.#components.mayWipe) : all;
    if (running.length === 0) return;
    const machine = choose(running, dice);
    const strike: Strike = { cluster, dice, machine, running, clientHosts };
    cluster.say(machine.name, `meets ${fault}, number ${this.#number}`);
    if (fault === 'succession') this.#succession.begin(dice);
    else if (!ACTIONS[fault](strike)) return;
    cluster.coverage.count(`fault: ${fault}`);
  }
}

const ACTIONS = { ...PROCESS_FAULTS, ...DISK_FAULTS, ...NETWORK_FAULTS };

/** Faults hurt most where a leader is. */
function choose(running: readonly Machine[], dice: Dice): Machine {
  const leading = running.filter(({ node }) => node?.internals.consensus?.raft.isLeader);
  return dice.pick(leading.length > 0 && dice.chance(0.4) ? leading : running);
}
