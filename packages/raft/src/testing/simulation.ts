import { SeededRandom } from '@dle/common';
import type { CoreEffect, Event, Message, NodeId } from '../core/types.js';
import { Coverage } from './coverage.js';
import { describeEffect, describeEvent } from './describe.js';
import { Dice } from './dice.js';
import { EventQueue } from './event-queue.js';
import { drawFaultPlan, type Fault, type FaultPlan } from './fault-plan.js';
import { HistoryHash } from './history-hash.js';
import { Invariants, InvariantViolation } from './invariants.js';
import { Links } from './links.js';
import type { TestBatch, TestEntry } from './test-entry.js';
import { TestLog } from './test-log.js';
import { TestNode, type TestWorld } from './test-node.js';

/** Election timeouts within which an undisturbed cluster must have come to rest. */
const TIMEOUTS_TO_CONVERGE = 40;

export interface SimulationOptions {
  /** Steps of the phase with faults. Default 2,000. */
  readonly steps?: number;
  /** Gets a line for everything that happens. */
  readonly trace?: (line: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** Steps taken in both phases. */
  readonly steps: number;
  /** Fingerprint of the history: the same seed gives the same one. */
  readonly hash: string;
  readonly committed: number;
  readonly coverage: Coverage;
}

/** Something to come. What is meant for a node names the life it is meant for. */
type Happening =
  | { readonly type: 'deliver'; readonly message: Message; readonly entries: TestBatch | undefined }
  | { readonly type: 'flush'; readonly node: TestNode; readonly life: number; readonly write: number }
  | { readonly type: 'tick'; readonly node: TestNode; readonly life: number }
  | { readonly type: 'start'; readonly node: TestNode }
  | { readonly type: 'propose' | 'read' | 'fault' };

/**
 * A cluster of cores on one thread, under a virtual clock, with a network and devices that fail as the seed
 * says. First a phase with faults, in which nothing that Raft promises may be broken; then one without, in which
 * everything must come to rest.
 */
export class Simulation implements TestWorld {
  readonly #seed: number;
  readonly #steps: number;
  readonly #trace: ((line: string) => void) | undefined;
  readonly #dice: Dice;
  readonly #plan: FaultPlan;
  readonly #queue = new EventQueue<Happening>();
  readonly #links = new Links();
  readonly #nodes: TestNode[] = [];
  readonly #invariants: Invariants;
  readonly #coverage = new Coverage();
  readonly #hash = new HistoryHash();
  /** When the next tick of a node is scheduled. */
  readonly #tickAt = new Map<TestNode, number>();
  readonly #flushing = new Set<TestNode>();
  readonly #pausedUntil = new Map<TestNode, number>();
  #isFaulty = true;
  #now = 0;
  #taken = 0;
  #lastValue = 0;
  #lastRead = 0;

  constructor(seed: number, options: SimulationOptions = {}) {
    this.#seed = seed;
    this.#steps = options.steps ?? 2_000;
    this.#trace = options.trace;
    this.#dice = new Dice(new SeededRandom(seed));
    this.#plan = drawFaultPlan(this.#dice);
    const ids = Array.from({ length: this.#plan.nodes }, (_, position) => position + 1);
    const first = firstEntry(ids);
    for (const id of ids) {
      const log = new TestLog({ term: 1, vote: 0, entries: [first] });
      const random = new SeededRandom(seed * 64 + id);
      const components = { world: this, log, random };
      this.#nodes.push(new TestNode(components, { ...this.#plan.options, id }));
    }
    this.#invariants = new Invariants(this.#nodes, ids);
  }

  /** Runs both phases. Throws what goes wrong first: a broken invariant, or an assertion of the core. */
  run(): SimulationResult {
    for (const node of this.#nodes) this.#queue.schedule(0, { type: 'start', node });
    for (const type of ['propose', 'read', 'fault'] as const) this.#scheduleAction(type);
    while (this.#taken < this.#steps) this.#proceed();
    this.#calmDown();
    this.#settle('the faults ended');
    const leader = this.#nodes.find((node) => node.leads)!;
    this.#propose(leader, 1);
    this.#read(leader);
    this.#settle('a last proposal');
    return {
      seed: this.#seed,
      steps: this.#taken,
      hash: this.#hash.value,
      committed: this.#invariants.committed.length,
      coverage: this.#coverage,
    };
  }

  onSend(_node: TestNode, message: Message, entries: TestBatch | undefined): void {
    const { dropped, doubled } = this.#plan;
    if (!this.#links.isUp(message.from, message.to)) return;
    if (this.#isFaulty && this.#dice.chance(dropped)) return;
    this.#deliverLater(message, entries);
    if (this.#isFaulty && this.#dice.chance(doubled)) this.#deliverLater(message, entries);
  }

  onWrite(node: TestNode): void {
    if (!this.#flushing.has(node)) this.#flushLater(node, node.log.lastWrite);
  }

  onStep(node: TestNode, event: Event, effects: readonly CoreEffect[]): void {
    this.#taken++;
    this.#hash.add(node.id, event, effects);
    if (this.#trace !== undefined) {
      this.#say(node, describeEvent(event));
      for (const effect of effects) this.#trace(`            ${describeEffect(effect)}`);
    }
    this.#coverage.stepped(node, event, effects);
    this.#invariants.stepped(node, event, effects);
    this.#scheduleTick(node);
  }

  #deliverLater(message: Message, entries: TestBatch | undefined): void {
    const { late, maxLatencyMs, options } = this.#plan;
    const isLate = this.#isFaulty && this.#dice.chance(late);
    const latency = isLate
      ? this.#dice.between(0, 3 * options.electionTimeoutMs)
      : this.#dice.between(0, maxLatencyMs);
    this.#queue.schedule(this.#now + latency, { type: 'deliver', message, entries });
  }

  /** One flush at a time: what is written meanwhile waits for the next one. */
  #flushLater(node: TestNode, write: number): void {
    const { maxFlushMs, hangs, options } = this.#plan;
    const doesHang = this.#isFaulty && this.#dice.chance(hangs);
    const latency = this.#dice.between(0, doesHang ? 3 * options.electionTimeoutMs : maxFlushMs);
    this.#flushing.add(node);
    this.#queue.schedule(this.#now + latency, { type: 'flush', node, life: node.life, write });
  }

  /** Like a driver: one timer, which may ring too early but never too late. */
  #scheduleTick(node: TestNode): void {
    const { deadline } = node.core;
    if (deadline === Number.POSITIVE_INFINITY) return;
    if ((this.#tickAt.get(node) ?? Number.POSITIVE_INFINITY) <= deadline) return;
    this.#tickAt.set(node, deadline);
    this.#queue.schedule(deadline, { type: 'tick', node, life: node.life });
  }

  #scheduleAction(type: 'propose' | 'read' | 'fault'): void {
    const { msBetweenProposals, msBetweenReads, msBetweenFaults } = this.#plan;
    const ms = { propose: msBetweenProposals, read: msBetweenReads, fault: msBetweenFaults }[type];
    this.#queue.schedule(this.#now + this.#dice.between(1, 2 * ms), { type });
  }

  /** Lets the next thing happen. */
  #proceed(): void {
    const { time, item } = this.#queue.next()!;
    this.#now = Math.max(this.#now, time);
    switch (item.type) {
      case 'deliver':
        return this.#deliver(item);
      case 'flush':
        return this.#flush(item);
      case 'tick':
        return this.#tick(item);
      case 'start':
        return this.#start(item.node);
      default:
        return this.#act(item.type);
    }
  }
