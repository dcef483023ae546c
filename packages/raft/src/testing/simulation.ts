import { SeededRandom } from '@dle/common';
import { membersOf } from '../core/configuration.js';
import type { ReadLevel } from '../core/types.js';
import { InvariantViolation } from './check.js';
import { Choices } from './choices.js';
import type { Coverage } from './coverage.js';
import { Dice } from './dice.js';
import { drawChange } from './draw-change.js';
import { drawFaultPlan, type FaultPlan } from './fault-plan.js';
import { Faults } from './faults.js';
import { SimCluster } from './sim-cluster.js';
import type { TestNode } from './test-node.js';

/**
 * Election timeouts within which an undisturbed cluster must get on with coming to rest, until it
 * has.
 */
const TIMEOUTS_TO_PROGRESS = 30;
/**
 * Election timeouts within which it must have come to rest: a follower may lack a lot, sent one by
 * one.
 */
const TIMEOUTS_TO_SETTLE = 500;
const READ_LEVELS: readonly ReadLevel[] = ['linearizable', 'lease', 'follower'];
/** Most lines of a trace that a failure shows. */
const TRACE_LINES = 120;

export interface SimulationOptions {
  /** Steps of the phase with faults. Default 1,500. */
  readonly steps?: number;
  /** Gets a line for everything that happens. */
  readonly trace?: (line: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** Steps taken in both phases. */
  readonly steps: number;
  /** Fingerprint of the history. */
  readonly hash: string;
  readonly committed: number;
  readonly coverage: Coverage;
}

/** A seed under which something went wrong; the message ends in the trace of what led to it. */
export class SimulationFailure extends Error {
  override readonly name: string = 'SimulationFailure';
  readonly seed: number;

  constructor(seed: number, trace: readonly string[], cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`seed ${seed}: ${what}\n${trace.join('\n')}\nseed ${seed}: ${what}`, { cause });
    this.seed = seed;
  }
}

/**
 * Runs a cluster of cores from a seed: first a phase with faults, in which nothing that Raft
 * promises may be broken, then one without, in which everything must come to rest. The same seed
 * gives the same history.
 *
 * @throws SimulationFailure for the first thing that goes wrong.
 */
export function simulate(seed: number, options: SimulationOptions = {}): SimulationResult {
  try {
    return new Simulation(seed, options).run();
  } catch (thrown) {
    throw new SimulationFailure(seed, traceOf(seed, options), thrown);
  }
}

/** A trace costs more than the run, so it is taken from a second one. */
function traceOf(seed: number, options: SimulationOptions): readonly string[] {
  const lines: string[] = [];
  const trace = (line: string): void => {
    lines.push(line);
    if (lines.length > 2 * TRACE_LINES) lines.splice(0, TRACE_LINES);
  };
  try {
    new Simulation(seed, { ...options, trace }).run();
  } catch {
    // It fails as the first one did.
  }
  return lines.slice(-TRACE_LINES);
}

class Simulation {
  readonly #seed: number;
  readonly #steps: number;
  readonly #dice: Dice;
  readonly #plan: FaultPlan;
  readonly #cluster: SimCluster;
  readonly #choices: Choices;
  readonly #faults: Faults;
  #isOver = false;

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed;
    this.#steps = options.steps ?? 1_500;
    this.#dice = new Dice(new SeededRandom(seed));
    this.#plan = drawFaultPlan(this.#dice);
    this.#cluster = new SimCluster({ dice: this.#dice, trace: options.trace }, this.#plan);
    const components = { dice: this.#dice, cluster: this.#cluster };
    this.#choices = new Choices(components);
    this.#faults = new Faults({ ...components, choices: this.#choices }, this.#plan);
  }

  run(): SimulationResult {
    const cluster = this.#cluster;
    const { msBetweenProposals, msBetweenReads, msBetweenFaults } = this.#plan;
    const { msBetweenPurges, msBetweenChanges } = this.#plan;
    for (const node of cluster.nodes) cluster.start(node);
    this.#repeat(msBetweenProposals, () => this.#propose());
    this.#repeat(msBetweenReads, () => this.#read());
    this.#repeat(msBetweenPurges, () => this.#purge());
    if (msBetweenChanges < Number.POSITIVE_INFINITY) {
      this.#repeat(msBetweenChanges, () => this.#changeMembers());
    }
    this.#repeat(msBetweenFaults, () => this.#faults.inflict(this.#dice.pick(this.#plan.faults)));
    while (cluster.steps < this.#steps) {
      cluster.proceed();
      this.#contest();
    }
    this.#isOver = true;
    this.#faults.end();
    cluster.calmDown();
    this.#settle('the faults');
    this.#proveService();
    return {
      seed: this.#seed,
      steps: cluster.steps,
      hash: cluster.hash.value,
      committed: cluster.invariants.committed.length,
      coverage: cluster.coverage,
    };
  }

  /** What is not lost in a settled cluster is enough to go on with. */
  #proveService(): void {
    const leader = this.#cluster.nodes.find((node) => node.leads)!;
    this.#cluster.propose(leader, 2);
    for (const level of READ_LEVELS) this.#cluster.read(leader, level);
    this.#settle('a last proposal');
    this.#proveFarewell();
  }

  /** Whoever is removed while all is well hears of it, be it the leader itself. */
  #proveFarewell(): void {
    const cluster = this.#cluster;
    this.#rest();
    // What arrived late may have unseated the leader.
    this.#settle('late news');
    const leader = cluster.nodes.find((node) => node.leads)!;
    const { voters } = leader.core.configuration!.configuration;
    // Somebody must be left to vote.
    const removable = membersBy(leader, cluster).filter(({ id }) => voters.join() !== `${id}`);
    if (removable.length === 0) return;
    const node = this.#dice.pick(removable);
    cluster.changeMembers(leader, { remove: [node.id] });
    this.#settle('a last change of members');
    this.#rest();
    // Late news of the faults may have unseated the leader, and the change with it.
    const after = cluster.nodes.find((other) => other.leads);
    if (after === undefined || membersBy(after, cluster).includes(node)) return;
    cluster.invariants.checkRemoved(node);
  }

  /** Whatever is still on its way arrives. */
  #rest(): void {
    let isRested = false;
    this.#cluster.schedule(this.#plan.options.electionTimeoutMs, () => {
      isRested = true;
    });
    while (!isRested) this.#cluster.proceed();
  }

  /** Without anybody proposing anything, all nodes come to hold, know and have applied the same. */
  #settle(after: string): void {
    const cluster = this.#cluster;
    const { electionTimeoutMs } = this.#plan.options;
    const end = cluster.now + TIMEOUTS_TO_SETTLE * electionTimeoutMs;
    let progress = 0;
    let due = 0;
    while (!isSettled(cluster)) {
      const held = heldBy(cluster);
      if (held > progress) due = cluster.now + TIMEOUTS_TO_PROGRESS * electionTimeoutMs;
      progress = Math.max(progress, held);
      if (cluster.now > Math.min(due, end)) {
        throw new InvariantViolation(`the cluster does not settle after ${after}`);
      }
      cluster.proceed();
    }
    const leader = cluster.nodes.find((node) => node.leads)!;
    cluster.invariants.checkConverged(membersBy(leader, cluster));
  }

  #repeat(msBetween: number, action: () => void): void {
    this.#cluster.schedule(this.#dice.between(1, 2 * msBetween), () => {
      if (this.#isOver) return;
      action();
      this.#repeat(msBetween, action);
    });
  }

  #propose(): void {
    if (this.#cluster.now < this.#faults.quietUntil) return;
    const node = this.#choices.server();
    if (node !== undefined) this.#cluster.propose(node, this.#dice.between(1, 3));
  }

  #purge(): void {
    const node = this.#choices.anybody();
    if (node !== undefined) this.#cluster.purge(node);
  }

  #changeMembers(): void {
    const node = this.#choices.server();
    if (node === undefined) return;
    // A voter alone that has lost its disk has lost everything.
    if (this.#cluster.nodes.some(({ log }) => log.durable.lostData)) return;
    const ids = this.#cluster.nodes.map(({ id }) => id);
    const before = node.core.configuration;
    if (this.#dice.chance(0.1)) this.#faults.forsake(node);
    this.#cluster.changeMembers(node, drawChange(this.#dice, node.core, ids));
    if (node.core.configuration === before) return;
    // What has begun may reach some only; two halves that know different voters must not both
    // decide.
    if (!this.#dice.chance(0.3)) return;
    const side = ids.filter((id) => id === node.id || this.#dice.chance(0.4));
    this.#cluster.links.split(
      side,
      ids.filter((id) => !side.includes(id)),
    );
  }

  #read(): void {
    const level = this.#dice.pick(READ_LEVELS);
    const node = level === 'follower' ? this.#choices.anybody() : this.#choices.server();
    if (node !== undefined) this.#cluster.read(node, level);
  }

  /** While several believe to lead, whoever asks the wrong one may be told old news. */
  #contest(): void {
    const leaders = this.#choices.awake.filter((node) => node.leads);
    if (leaders.length < 2) return;
    for (const leader of leaders) if (this.#dice.chance(0.2)) this.#cluster.read(leader, 'lease');
  }
}

/** Those who are members by the configuration of `leader`. */
function membersBy(leader: TestNode, { nodes }: SimCluster): readonly TestNode[] {
  const ids = membersOf(leader.core.configuration!.configuration);
  return nodes.filter(({ id }) => ids.includes(id));
}

function isSettled(cluster: SimCluster): boolean {
  const leader = cluster.nodes.find((node) => node.leads);
  if (leader === undefined || cluster.invariants.openReads > 0) return false;
  const { id, lastIndex } = leader.core;
  return membersBy(leader, cluster).every(
    ({ core, applied, log }) =>
      core.leader === id &&
      core.lastIndex === lastIndex &&
      core.commit === lastIndex &&
      applied === lastIndex &&
      log.unflushed === 0,
  );
}

/** What all nodes together hold and know: it rises while there is progress. */
function heldBy({ nodes }: SimCluster): number {
  let held = 0;
  for (const { core, log } of nodes) held += core.commit + log.durable.entries.length;
  return held;
}
