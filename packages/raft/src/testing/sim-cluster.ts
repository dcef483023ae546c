import { SeededRandom } from '@dle/common';
import type {
  CoreEffect,
  CoreOptions,
  Event,
  LogBase,
  MembershipChange,
  Message,
  NodeId,
  ReadLevel,
} from '../core/types.js';
import { Coverage } from './coverage.js';
import { describeEffect, describeEvent } from './describe.js';
import type { Dice } from './dice.js';
import { EventQueue } from './event-queue.js';
import type { FaultPlan } from './fault-plan.js';
import { HistoryHash } from './history-hash.js';
import { Invariants } from './invariants.js';
import { Links } from './links.js';
import type { TestBatch, TestEntry } from './test-entry.js';
import { TestLog } from './test-log.js';
import { TestNode, type TestWorld } from './test-node.js';

/** Longest a message or a flush takes once the faults are over: far below any election timeout. */
const CALM_MS = 5;
/** Messages to each node that may come again. */
const REMEMBERED = 64;

interface Delivery {
  readonly type: 'deliver';
  readonly message: Message;
  readonly entries: TestBatch | undefined;
}

/** A snapshot on its way. */
interface Transfer {
  readonly sender: TestNode;
  readonly life: number;
  readonly term: number;
  readonly receiver: TestNode;
  readonly base: LogBase;
  readonly entries: readonly TestEntry[];
}

/** Something to come. What is meant for a node names the life it is meant for. */
type Happening =
  | Delivery
  | {
      readonly type: 'flush';
      readonly node: TestNode;
      readonly life: number;
      readonly write: number;
    }
  | { readonly type: 'tick'; readonly node: TestNode; readonly life: number }
  | { readonly type: 'call'; readonly action: () => void };

/**
 * Cores on one thread, under a virtual clock, with a network and devices that fail as the plan
 * says. Every step is held against the invariants.
 */
export class SimCluster implements TestWorld {
  readonly nodes: readonly TestNode[];
  readonly links: Links = new Links();
  readonly invariants: Invariants;
  readonly coverage: Coverage = new Coverage();
  readonly hash: HistoryHash = new HistoryHash();
  readonly #plan: FaultPlan;
  readonly #dice: Dice;
  readonly #trace: ((line: string) => void) | undefined;
  /** How much faster than this one's the clock of each node goes. */
  readonly #paces: readonly number[];
  readonly #queue = new EventQueue<Happening>();
  /** When the next tick of a node is scheduled. */
  readonly #tickAt = new Map<TestNode, number>();
  readonly #flushing = new Set<TestNode>();
  readonly #pausedUntil = new Map<TestNode, number>();
  /** The last transfer of a snapshot between any two. */
  readonly #transfers = new Map<string, Transfer>();
  /** What was sent to each node last, whether it arrived or not. */
  readonly #sentTo = new Map<NodeId, Delivery[]>();
  #isCalm = false;
  #now = 0;
  #steps = 0;
  #lastValue = 0;
  #lastRead = 0;

  constructor(
    components: { dice: Dice; trace: ((line: string) => void) | undefined },
    plan: FaultPlan,
  ) {
    this.#dice = components.dice;
    this.#trace = components.trace;
    this.#plan = plan;
    const count = plan.voters + plan.spares;
    const ids = Array.from({ length: count }, (_, position) => position + 1);
    const first = firstEntry(ids.slice(0, plan.voters));
    this.#paces = drawPaces(this.#dice, ids, plan.options);
    this.nodes = ids.map((id) => this.#makeNode(id, id <= plan.voters ? [first] : []));
    this.invariants = new Invariants(this.nodes, plan.options, (node) => this.#clock(node));
  }

  get now(): number {
    return this.#now;
  }

  /** Steps that all nodes have taken together. */
  get steps(): number {
    return this.#steps;
  }

  isPaused(node: TestNode): boolean {
    return (this.#pausedUntil.get(node) ?? 0) > this.#now;
  }

  schedule(afterMs: number, action: () => void): void {
    this.#queue.schedule(this.#now + afterMs, { type: 'call', action });
  }

  /** Lets the next thing happen. */
  proceed(): void {
    const { time, item } = this.#queue.next()!;
    this.#now = Math.max(this.#now, time);
    if (item.type === 'call') item.action();
    else if (item.type === 'deliver') this.#deliver(item);
    else if (this.isPaused(item.node)) this.#postpone(item.node, item);
    else if (item.life === item.node.life && item.node.isUp) {
      if (item.type === 'flush') this.#flush(item.node, item.write);
      else this.#tick(item.node);
    }
  }

  start(node: TestNode): void {
    node.start(this.#clock(node));
    this.#say(node, `starts with log of ${node.log.entries.length}, commit ${node.applied}`);
    this.#tickAt.delete(node);
    this.#flushing.delete(node);
    this.#pausedUntil.delete(node);
    this.coverage.look(node);
    this.invariants.started(node);
    this.#scheduleTick(node);
  }

  /** Of the writes not flushed yet a few may have made it. */
  crash(node: TestNode): void {
    const keep = this.#dice.between(0, node.log.unflushed);
    this.coverage.crashing(node, keep);
    this.#say(node, `crashes, keeping ${keep} of ${node.log.unflushed} unflushed writes`);
    node.crash(keep);
    this.invariants.crashed(node);
  }

  /** Everything on the disk of a node is lost, but for term and vote. */
  wipe(node: TestNode): void {
    this.#say(node, 'loses its disk');
    this.coverage.note('disk wiped');
    node.wipe();
    this.invariants.crashed(node);
  }

  /** As a driver does when the log has become too long. */
  purge(node: TestNode): void {
    const index = Math.min(node.core.purgeableIndex, node.applied);
    if (index <= node.core.baseIndex) return;
    this.coverage.note('log purged');
    node.step({ type: 'purge', now: this.#clock(node), index });
  }

  /** The device takes no more writes; the node says what it still can, and ends. */
  failLog(node: TestNode): void {
    node.step({ type: 'resign', now: this.#clock(node) });
    this.crash(node);
  }

  /** The node does nothing for a while, and then does not know how long it was. */
  pause(node: TestNode, forMs: number): void {
    this.#say(node, `pauses for ${forMs} ms`);
    this.#pausedUntil.set(node, this.#now + forMs);
  }

  campaign(node: TestNode): void {
    node.step({ type: 'campaign', now: this.#clock(node) });
  }

  transfer(node: TestNode, target: NodeId): void {
    node.step({ type: 'transfer', now: this.#clock(node), target });
  }

  propose(node: TestNode, count: number): void {
    const proposals = Array.from({ length: count }, () => ({
      value: `v${++this.#lastValue}`,
      bytes: this.#dice.between(1, 60),
    }));
    node.propose(this.#clock(node), proposals);
  }

  changeMembers(node: TestNode, change: MembershipChange): void {
    node.step({ type: 'changeMembers', now: this.#clock(node), change });
  }

  read(node: TestNode, level: ReadLevel): void {
    const id = ++this.#lastRead;
    this.invariants.readBegins(node, id);
    node.step({ type: 'read', now: this.#clock(node), id, level });
  }

  /** Ends all faults: everything runs, hears everybody, and is quick. */
  calmDown(): void {
    this.#isCalm = true;
    this.links.heal();
    // Their timers were put off until they went on.
    for (const node of this.#pausedUntil.keys()) {
      this.#tickAt.delete(node);
      if (node.isUp) this.#scheduleTick(node);
    }
    this.#pausedUntil.clear();
    for (const node of this.nodes) if (!node.isUp) this.start(node);
  }

  /** The network still had copies of some of what was sent to `node`, and delivers them now. */
  replay(node: TestNode, count: number): void {
    const sent = this.#sentTo.get(node.id) ?? [];
    for (let copies = 0; copies < count && sent.length > 0; copies++) {
      this.#queue.schedule(this.#now, this.#dice.pick(sent));
    }
  }

  onSend(_node: TestNode, message: Message, entries: TestBatch | undefined): void {
    this.#remember({ type: 'deliver', message, entries });
    if (!this.links.isUp(message.from, message.to)) return;
    if (this.#happens(this.#plan.dropped)) return;
    this.#deliverLater(message, entries);
    if (this.#happens(this.#plan.doubled)) this.#deliverLater(message, entries);
  }

  onSendSnapshot(node: TestNode, to: NodeId, base: LogBase): void {
    const transfer = {
      sender: node,
      life: node.life,
      term: node.core.term,
      receiver: this.nodes[to - 1]!,
      base,
      entries: node.log.entries.slice(0, base.index),
    };
    this.coverage.note('snapshot begun');
    this.#transfers.set(`${node.id}>${to}`, transfer);
    const takes = this.#duration(false, this.#plan.maxSnapshotMs);
    this.schedule(takes, () => this.#install(transfer));
  }

  onWrite(node: TestNode): void {
    if (!this.#flushing.has(node)) this.#flushLater(node);
  }

  onStep(node: TestNode, event: Event, effects: readonly CoreEffect[]): void {
    this.#steps++;
    this.hash.add(node.id, event, effects);
    if (this.#trace !== undefined) {
      this.#say(node, describeEvent(event));
      for (const effect of effects) this.#trace(`${' '.repeat(14)}${describeEffect(effect)}`);
    }
    this.invariants.stepped(node, event, effects);
    this.coverage.stepped(node, event, effects);
    this.#scheduleTick(node);
  }

  #makeNode(id: NodeId, entries: readonly TestEntry[]): TestNode {
    const log = new TestLog({ term: entries.length, vote: 0, entries });
    const random = new SeededRandom(this.#dice.random.nextUint32());
    return new TestNode({ world: this, log, random }, { ...this.#plan.options, id });
  }

  /** What the clock of a node shows: each has its own pace, within what the cores allow for. */
  #clock(node: TestNode): number {
    return this.#now * this.#pace(node);
  }

  #pace({ id }: TestNode): number {
    return this.#paces[id - 1]!;
  }

  #deliver(item: Delivery): void {
    const node = this.nodes[item.message.to - 1]!;
    if (!node.isUp) return;
    if (this.isPaused(node)) {
      this.#postpone(node, item);
      return;
    }
    const { message, entries } = item;
    const now = this.#clock(node);
    node.step(
      entries === undefined
        ? { type: 'message', now, message }
        : { type: 'message', now, message, entries },
    );
  }

  /** The last of a snapshot has arrived, or will never do. */
  #install(transfer: Transfer): void {
    const { sender, receiver, base, entries } = transfer;
    const isCutOff = !this.links.isUp(sender.id, receiver.id) || this.#happens(this.#plan.dropped);
    let brought = 0;
    if (receiver.isUp && !this.isPaused(receiver) && !isCutOff) {
      brought = base.index;
      if (receiver.core.wants(base)) {
        this.#say(receiver, `takes over the state at ${base.index}@${base.term}`);
        this.coverage.note('snapshot installed');
        receiver.install(entries);
        this.invariants.crashed(receiver);
        this.start(receiver);
      } else this.coverage.note('snapshot not wanted');
      if (this.#happens(this.#plan.dropped)) brought = 0;
    }
    this.#endTransfer(transfer, brought);
  }

  /** Its sender hears of it, unless it has called it off or begun another. */
  #endTransfer(transfer: Transfer, index: number): void {
    const { sender, receiver, life, term } = transfer;
    if (sender.isUp && this.isPaused(sender)) {
      const waits = this.#pausedUntil.get(sender)! - this.#now;
      this.schedule(waits, () => this.#endTransfer(transfer, index));
      return;
    }
    const isCurrent = this.#transfers.get(`${sender.id}>${receiver.id}`) === transfer;
    if (!isCurrent || !sender.leads || sender.life !== life || sender.core.term !== term) return;
    if (index === 0) this.coverage.note('snapshot came to nothing');
    sender.step({ type: 'snapshotEnded', now: this.#clock(sender), peer: receiver.id, index });
  }

  #remember(delivery: Delivery): void {
    const { to } = delivery.message;
    const sent = this.#sentTo.get(to);
    if (sent === undefined) this.#sentTo.set(to, [delivery]);
    else if (sent.push(delivery) > REMEMBERED) sent.shift();
  }

  #postpone(node: TestNode, item: Happening): void {
    this.#queue.schedule(this.#pausedUntil.get(node)!, item);
  }

  #flush(node: TestNode, write: number): void {
    this.#flushing.delete(node);
    node.flush(this.#clock(node), write);
    if (node.log.unflushed > 0 && !this.#flushing.has(node)) this.#flushLater(node);
  }

  /** Like a driver: one timer, which may ring too early but never too late. */
  #tick(node: TestNode): void {
    this.#tickAt.delete(node);
    if (node.core.deadline <= this.#clock(node))
      node.step({ type: 'tick', now: this.#clock(node) });
    else this.#scheduleTick(node);
  }

  #scheduleTick(node: TestNode): void {
    if (node.core.deadline === Number.POSITIVE_INFINITY) return;
    // The first moment that is surely not before it.
    const deadline = Math.floor(node.core.deadline / this.#pace(node)) + 1;
    if ((this.#tickAt.get(node) ?? Number.POSITIVE_INFINITY) <= deadline) return;
    this.#tickAt.set(node, deadline);
    this.#queue.schedule(deadline, { type: 'tick', node, life: node.life });
  }

  #deliverLater(message: Message, entries: TestBatch | undefined): void {
    const { late, maxLatencyMs } = this.#plan;
    const latency = this.#duration(this.#happens(late), maxLatencyMs);
    this.#queue.schedule(this.#now + latency, { type: 'deliver', message, entries });
  }

  /** One flush at a time: what is written meanwhile waits for the next one. */
  #flushLater(node: TestNode): void {
    const { hangs, maxFlushMs, slowDisk, options } = this.#plan;
    const maxMs = node.id === slowDisk ? options.electionTimeoutMs : maxFlushMs;
    const latency = this.#duration(this.#happens(hangs), maxMs);
    const write = node.log.lastWrite;
    this.#flushing.add(node);
    this.#queue.schedule(this.#now + latency, { type: 'flush', node, life: node.life, write });
  }

  #duration(isSlow: boolean, maxMs: number): number {
    if (isSlow) return this.#dice.between(0, 3 * this.#plan.options.electionTimeoutMs);
    return this.#dice.between(0, this.#isCalm ? Math.min(maxMs, CALM_MS) : maxMs);
  }

  #happens(probability: number): boolean {
    return !this.#isCalm && probability > 0 && this.#dice.chance(probability);
  }

  #say(node: TestNode, what: string): void {
    this.#trace?.(`${String(this.#now).padStart(8)} ms ${node.id}: ${what}`);
  }
}

/** A cluster begins with its configuration, in the first entry. */
export function firstEntry(voters: readonly NodeId[]): TestEntry {
  return { index: 1, term: 1, previousTerm: 0, bytes: 100, value: '', configuration: { voters } };
}

/**
 * From the slowest to the fastest clock that are close enough for a lease: any mixture, or one slow
 * one among fast ones, which a lease depends on if it leads.
 */
function drawPaces(
  dice: Dice,
  ids: readonly NodeId[],
  { maxClockDriftPercent }: Omit<CoreOptions, 'id'>,
): readonly number[] {
  const slow = dice.chance(0.5) ? dice.pick(ids) : undefined;
  return ids.map((id) => {
    const any = dice.pick([0, dice.between(0, maxClockDriftPercent), maxClockDriftPercent]);
    const one = id === slow ? maxClockDriftPercent : 0;
    return (100 - (slow === undefined ? any : one)) / 100;
  });
}
