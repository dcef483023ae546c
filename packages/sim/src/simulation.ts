import { InvariantViolation } from '@dle/raft/testing';
import { audit, History } from '@dle/server/testing';
import { nativeStatus } from '@dle/storage';
import type { Vfs } from '@dle/storage/internal';
import type { MemVfs } from '@dle/storage/testing';
import { Chronicle } from './checks/chronicle.js';
import { Coverage } from './checks/coverage.js';
import { contentOf } from './checks/invariants.js';
import { Operator } from './clients/operator.js';
import { Workload } from './clients/workload.js';
import {
  isServing,
  isSettled,
  isWhole,
  membersOf,
  settledConfiguration,
} from './cluster/at-rest.js';
import type { Machine } from './cluster/machine.js';
import { SimCluster } from './cluster/sim-cluster.js';
import { Dice } from './dice.js';
import { Nemesis } from './faults/nemesis.js';
import { OneFault } from './faults/one-fault.js';
import { drawPlan, type Plan } from './plan.js';
import { secluded } from './seclusion.js';

/** Of the phase with faults, for each node, and for how many of them at most. */
const EVENTS = 1_500;
const MOST_NODES = 5;
/** Within which an undisturbed cluster must come to rest: connections that hang are given up. */
const SETTLE_MS = 60_000;
const TIMEOUTS_TO_SETTLE = 100;
/** Within which a cluster must serve again that has lost one of its nodes, in election timeouts. */
const TIMEOUTS_TO_TAKE_OVER = 30;
/** Until a client has given up on a node that hangs, and on another one. */
const MS_TO_FIND_ANOTHER = 10_000;
/** Within which every operation of a client must have come to an end. */
const CLIENTS_END_MS = 30_000;
const CLOSE_MS = 30_000;
const VERIFY_MS = 60_000;

export interface SimulationOptions {
  /** Events of the phase with faults, for each node. Default 1,500. */
  readonly events?: number | undefined;
  /** After how many events in all that phase is over in any case: history is the same until then. */
  readonly prefix?: number | undefined;
  /** Numbers of faults that are left out; those that remain come as ever. */
  readonly without?: ReadonlySet<number> | undefined;
  /** Gets a line for everything of note. */
  readonly trace?: ((line: string) => void) | undefined;
  /** The disks as the nodes are to see them: for a test of the test. */
  readonly disguise?: ((vfs: MemVfs) => Vfs) | undefined;
}

export interface SimulationResult {
  readonly seed: number;
  /** Events of all phases. */
  readonly events: number;
  /** How long it took there, in milliseconds. */
  readonly virtualMs: number;
  /** From the end of the faults until all members follow and have caught up, in milliseconds. */
  readonly servesAfterMs: number;
  readonly operations: number;
  /** Fingerprint of the history. */
  readonly hash: string;
  readonly coverage: Coverage;
}

/** A seed under which something went wrong; the message ends in what led to it. */
export class SimulationFailure extends Error {
  override readonly name: string = 'SimulationFailure';
  readonly seed: number;
  /** What was broken, in one line or more. */
  readonly what: string;
  /** How many events had happened. */
  readonly events: number;
  /** How many faults had come. */
  readonly faults: number;

  constructor(
    seed: number,
    at: { readonly events: number; readonly faults: number; readonly lines: readonly string[] },
    cause: unknown,
  ) {
    const what = cause instanceof Error ? cause.message : String(cause);
    const again = `again: pnpm sim --seed ${seed} --trace`;
    super([`seed ${seed}: ${what}`, ...at.lines, `seed ${seed}: ${what}`, again].join('\n'), {
      cause,
    });
    this.seed = seed;
    this.what = what;
    this.events = at.events;
    this.faults = at.faults;
  }
}

/**
 * Runs a cluster and its clients from a seed: first a phase with faults, in which no promise may be
 * broken, then one without, in which everything must come to rest. The same seed gives the same
 * history.
 *
 * @throws SimulationFailure for the first thing that goes wrong.
 */
export async function simulate(
  seed: number,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  const chronicle = new Chronicle(options.trace);
  const simulation = new Simulation(seed, chronicle, options);
  const { stackTraceLimit } = Error;
  // Errors are part of the day's work there, and stacks are what costs most about them.
  if (options.trace === undefined) Error.stackTraceLimit = 0;
  try {
    return await secluded(() => simulation.run());
  } catch (thrown) {
    const { lines } = chronicle;
    throw new SimulationFailure(seed, { ...simulation.progress, lines }, thrown);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Whether others hold all that `machine` holds of what matters, and can take its place. */
function canDoWithout(cluster: SimCluster, { id }: Machine): boolean {
  const { voters = [], learners = [] } = settledConfiguration(cluster) ?? {};
  return learners.includes(id) || (voters.length >= 3 && voters.includes(id));
}

class Simulation {
  readonly #seed: number;
  readonly #chronicle: Chronicle;
  readonly #options: SimulationOptions;
  readonly #plan: Plan;
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #coverage = new Coverage();
  #nemesis: Nemesis | undefined;
  #servesAfterMs = 0;

  constructor(seed: number, chronicle: Chronicle, options: SimulationOptions) {
    if (nativeStatus().loaded) throw new Error('set DLE_NATIVE=0: the addon has a will of its own');
    this.#seed = seed;
    this.#chronicle = chronicle;
    const dice = new Dice(seed, 0);
    this.#plan = drawPlan(dice);
    this.#options = options;
    const { disguise = (vfs: MemVfs) => vfs } = options;
    const components = { dice, chronicle, coverage: this.#coverage, disguise };
    this.#cluster = new SimCluster(components, this.#plan);
    const { time } = this.#cluster;
    this.#history = new History({ now: () => time.now });
  }

  get progress(): { readonly events: number; readonly faults: number } {
    return { events: this.#cluster.time.events, faults: this.#nemesis?.count ?? 0 };
  }

  async run(): Promise<SimulationResult> {
    const cluster = this.#cluster;
    cluster.say('plan', JSON.stringify(this.#plan));
    for (const machine of cluster.machines) cluster.startLater(machine);
    if (this.#plan.formsInPeace) {
      await this.#eventually('form a cluster', () => isServing(cluster, 0));
    }
    const workload = new Workload(cluster, this.#history, this.#plan.workload);
    const operator = await this.#disturb(workload);
    workload.calmDown();
    await this.#calmDown(operator);
    if (this.#cluster.harmed.size > 0) await this.#makeWhole(operator);
    if (this.#plan.meetsOneFault) await this.#meetOneFault(workload, operator);
    operator.finish(this.#plan.operator.lastChanges);
    await this.#within(CLIENTS_END_MS, 'end its changes', () => !operator.isWorking);
    workload.stop();
    await this.#within(CLIENTS_END_MS, 'end its operations', () => workload.working === 0);
    await this.#eventually('come to rest', () => isSettled(cluster));
    const said = [...workload.problems, ...operator.problems];
    this.#audit(said);
    if (this.#plan.endsVerified) await this.#verify();
    await this.#close();
    if (this.#plan.opensAgain) await this.#openAgain(said);
    return this.#result();
  }

  /** The phase with faults. */
  async #disturb(workload: Workload): Promise<Operator> {
    const cluster = this.#cluster;
    const { time } = cluster;
    const operatorHost = workload.hosts.at(-1)! + 1;
    const operator = new Operator(cluster, this.#plan.operator, operatorHost);
    const mayWipe = (machine: Machine): boolean =>
      operator.isSure && cluster.wiped.size === 0 && canDoWithout(cluster, machine);
    const { prefix = Number.POSITIVE_INFINITY, without = new Set() } = this.#options;
    const components = { cluster, clientHosts: [...workload.hosts, operatorHost], mayWipe };
    this.#nemesis = new Nemesis(components, this.#plan, { without });
    const perNode = this.#options.events ?? EVENTS;
    const end = Math.min(
      time.events + perNode * Math.min(cluster.machines.length, MOST_NODES),
      prefix,
    );
    await time.proceedUntil(() => time.events >= end);
    this.#nemesis.stop();
    return operator;
  }

  async #calmDown(operator: Operator): Promise<void> {
    const cluster = this.#cluster;
    const { time, invariants } = cluster;
    cluster.calmDown();
    cluster.say('plan', 'the faults are over');
    operator.hurry();
    const since = time.now;
    const { commit } = invariants;
    await this.#eventually('serve again', () => isServing(cluster, commit));
    this.#servesAfterMs = time.now - since;
  }

  /** Whatever is damaged is found when it is looked for, and repaired without anybody's help. */
  async #makeWhole(operator: Operator): Promise<void> {
    const cluster = this.#cluster;
    let left = 0;
    // A leader lets nobody begin anew who may be the second one, and so none when it is new.
    operator.hold();
    for (const { node, isRunning } of cluster.harmed) {
      if (!isRunning || node === undefined) continue;
      left++;
      // It may be closed meanwhile, for what was found.
      const done = (): void => void left--;
      node.internals.store.scrub().then(done, done);
    }
    await this.#within(VERIFY_MS, 'look through its files', () => left === 0);
    await this.#eventually(
      'have all data repaired',
      () =>
        cluster.wiped.size === 0 &&
        isServing(cluster, cluster.invariants.commit) &&
        isWhole(cluster),
    );
    cluster.healed();
    operator.goOn();
  }

  /** With a fault of one of them, a cluster of three or more serves on after a short while. */
  async #meetOneFault(workload: Workload, operator: Operator): Promise<void> {
    operator.hold();
    await this.#within(CLIENTS_END_MS, 'end its change', () => !operator.isChanging);
    await this.#eventually('come to rest', () => isServing(this.#cluster, 0));
    const voters = settledConfiguration(this.#cluster)?.voters ?? [];
    if (voters.length >= 3 && operator.isSure) await this.#outlive(voters, workload);
    operator.goOn();
  }

  async #outlive(voters: readonly number[], workload: Workload): Promise<void> {
    const cluster = this.#cluster;
    const fault = new OneFault(cluster, voters, workload.hosts);
    const since = cluster.time.now;
    const ms = cluster.timeouts(TIMEOUTS_TO_TAKE_OVER) + MS_TO_FIND_ANOTHER;
    await this.#within(ms, `serve on after: ${fault.what}`, () => workload.isServedSince(since));
    cluster.coverage.count('one fault outlived');
    fault.end();
    await this.#eventually('be whole again', () => isServing(cluster, cluster.invariants.commit));
  }

  /** What is on the disks is whole. */
  async #verify(): Promise<void> {
    const damage: string[] = [];
    let left = 0;
    const cluster = this.#cluster;
    for (const { name, node } of membersOf(cluster)) {
      left++;
      void node!.internals.store.verify().then((report) => {
        left--;
        damage.push(...report.damage.map((found) => `${name}: ${JSON.stringify(found)}`));
      });
    }
    await this.#within(VERIFY_MS, 'verify its files', () => left === 0);
    if (damage.length > 0) throw new InvariantViolation(damage.join('\n'));
  }

  /** What was closed is what is opened. */
  async #openAgain(said: readonly string[]): Promise<void> {
    const cluster = this.#cluster;
    for (const machine of cluster.machines) {
      if (!cluster.removed.has(machine)) cluster.start(machine);
    }
    await this.#eventually('serve when it is opened again', () => isSettled(cluster));
    this.#audit(said);
    await this.#close();
  }

  #result(): SimulationResult {
    const { time } = this.#cluster;
    return {
      seed: this.#seed,
      events: time.events,
      virtualMs: time.now,
      servesAfterMs: this.#servesAfterMs,
      operations: this.#history.operations.length,
      hash: this.#chronicle.hash,
      coverage: this.#coverage,
    };
  }

  /** Without faults, that is. */
  #eventually(what: string, isDone: () => boolean): Promise<void> {
    const ms = SETTLE_MS + this.#cluster.timeouts(TIMEOUTS_TO_SETTLE);
    return this.#within(ms, what, isDone);
  }

  async #within(ms: number, what: string, isDone: () => boolean): Promise<void> {
    const { time } = this.#cluster;
    const end = time.now + ms;
    await time.settle();
    await time.proceedUntil(() => {
      if (isDone()) return true;
      if (time.now > end) throw new InvariantViolation(`it does not ${what} within ${ms} ms`);
      return false;
    });
  }

  #audit(said: readonly string[]): void {
    const contents = new Map<number, Map<string, Uint8Array>>();
    for (const machine of membersOf(this.#cluster)) {
      const { id, name, node } = machine;
      if (this.#cluster.removed.has(machine)) {
        throw new InvariantViolation(`${name} says that it was removed, and is a member`);
      }
      const { store } = node!.internals;
      this.#cluster.invariants.compare(machine, store);
      contents.set(id, contentOf(store));
    }
    const problems = [...said, ...audit(this.#history, contents)];
    if (problems.length > 0) throw new InvariantViolation(problems.join('\n'));
  }

  /** Whoever is closed leaves nothing behind: what was forgotten shows in the next run. */
  async #close(): Promise<void> {
    const machines = this.#cluster.machines.filter(({ node }) => node !== undefined);
    const closed: Machine[] = [];
    for (const machine of machines) machine.close(() => closed.push(machine));
    const isOver = (): boolean => machines.every(({ isRunning }) => !isRunning);
    await this.#within(CLOSE_MS, 'close', isOver);
    for (const { name, vfs } of closed) {
      if (vfs.openPaths.length === 0) continue;
      throw new InvariantViolation(`${name} has closed, and left open ${vfs.openPaths.join(', ')}`);
    }
  }
}
