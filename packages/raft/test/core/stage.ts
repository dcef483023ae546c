import { assert } from '@dle/common';
import { NO_BASE } from '../../src/core/log-view.js';
import type {
  Configuration,
  CoreEffect,
  CoreOptions,
  Event,
  LogBase,
  MembershipChange,
  Message,
  NodeId,
  ReadLevel,
  RecoveredState,
} from '../../src/core/types.js';
import {
  describeEffect,
  describeEvent,
  firstEntry,
  Invariants,
  Links,
  type TestBatch,
  type TestEntry,
  TestLog,
  TestNode,
  type TestWorld,
} from '../../src/testing/index.js';

/** Small round numbers, so that stories can be told in them. */
export const STAGE_OPTIONS: Omit<CoreOptions, 'id'> = {
  electionTimeoutMs: 100,
  heartbeatIntervalMs: 20,
  leaseReads: false,
  maxClockDriftPercent: 10,
  maxAppendBytes: 1_000,
  maxInflightAppends: 4,
  maxInflightBytes: 10_000,
  maxUncommittedBytes: 100_000,
  logRetentionBytes: 1_000,
  maxLogBytes: 10_000,
  diskTimeoutMs: 1_000,
};

/** Of a node that nobody has asked for anything yet. */
export const UNUSED: Omit<RecoveredState, 'batches'> = {
  term: 0,
  vote: 0,
  restarted: false,
  lostData: false,
  commit: 0,
  base: NO_BASE,
};

/** An entry of a log that a story starts from. */
export interface Preset {
  readonly term: number;
  readonly configuration?: Configuration;
}

interface InTransit {
  readonly message: Message;
  readonly entries: TestBatch | undefined;
}

interface Snapshot {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly base: LogBase;
  readonly entries: readonly TestEntry[];
}

/**
 * Which of the messages under way: those on a link, and of them all, the first few or the last one.
 */
export interface Choice {
  readonly from?: NodeId;
  readonly to?: NodeId;
  readonly count?: number | 'last';
}

/**
 * A cluster played by hand: messages lie still until they are delivered, time stands still until it
 * is advanced, and writes are flushed at once unless they are held. Every step is held against the
 * invariants. Node n draws the election timeout T + n tenths of T.
 */
export class Stage implements TestWorld {
  readonly nodes = new Map<NodeId, TestNode>();
  readonly links = new Links();
  /** Nodes whose process stands still: their timers do not ring, their messages wait. */
  readonly paused = new Set<NodeId>();
  readonly sent: Message[] = [];
  readonly effects: { readonly node: NodeId; readonly effect: CoreEffect }[] = [];
  readonly #options: Omit<CoreOptions, 'id'>;
  readonly #presets = new Map<NodeId, { term: number; vote: NodeId; entries: TestEntry[] }>();
  readonly #known = new Map<string, TestEntry>();
  readonly #held = new Set<NodeId>();
  #transit: InTransit[] = [];
  #snapshots: Snapshot[] = [];
  #invariants: Invariants | undefined;
  #now = 0;
  #lastRead = 0;
  #lines: string[] = [];

  constructor(
    ids: readonly NodeId[],
    options: Partial<CoreOptions> = {},
    voters: readonly NodeId[] = ids,
  ) {
    this.#options = { ...STAGE_OPTIONS, ...options };
    const entries = voters.length === 0 ? [] : [firstEntry(voters)];
    for (const id of ids) this.#presets.set(id, { term: entries.length, vote: 0, entries });
  }

  /** Nodes that know nothing: they are waiting to be added. */
  blank(ids: readonly NodeId[]): void {
    for (const id of ids) this.#presets.set(id, { term: 0, vote: 0, entries: [] });
  }

  /** What has happened since the last call. */
  takeLines(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  get now(): number {
    return this.#now;
  }

  get inTransit(): readonly Message[] {
    return this.#transit.map(({ message }) => message);
  }

  node(id: NodeId): TestNode {
    this.#raise();
    const node = this.nodes.get(id);
    assert(node !== undefined, `there is no node ${id}`);
    return node;
  }

  /**
   * Before the first step: what a node's log holds behind the first entry, and the term it is in.
   */
  preset(id: NodeId, presets: readonly Preset[], term: number, vote: NodeId = 0): void {
    assert(this.#invariants === undefined, 'too late to choose a log');
    const entries = this.#presets.get(id)!.entries.slice(0, 1);
    for (const { term: entryTerm, configuration } of presets) {
      const index = entries.length + 1;
      const previousTerm = entries.at(-1)?.term ?? 0;
      const key = `${index}@${entryTerm}`;
      const made = { index, term: entryTerm, previousTerm, bytes: 10, value: `p${key}` };
      const entry =
        this.#known.get(key) ?? (configuration === undefined ? made : { ...made, configuration });
      this.#known.set(key, entry);
      entries.push(entry);
    }
    this.#presets.set(id, { term, vote, entries });
  }

  campaign(id: NodeId): void {
    this.#act(id, (node) => node.step({ type: 'campaign', now: this.#now }));
  }

  propose(id: NodeId, values: readonly string[], bytes = 10): void {
    const proposals = values.map((value) => ({ value, bytes }));
    this.#act(id, (node) => node.propose(this.#now, proposals));
  }

  transfer(id: NodeId, target: NodeId): void {
    this.#act(id, (node) => node.step({ type: 'transfer', now: this.#now, target }));
  }

  changeMembers(id: NodeId, change: MembershipChange): void {
    this.#act(id, (node) => node.step({ type: 'changeMembers', now: this.#now, change }));
  }

  read(id: NodeId, level?: ReadLevel): void {
    const read = ++this.#lastRead;
    this.#act(id, (node) => {
      this.#invariants!.readBegins(node, read);
      const event = { type: 'read', now: this.#now, id: read } as const;
      node.step(level === undefined ? event : { ...event, level });
    });
  }

  /** Delivers messages that are under way now; answers are under way afterwards. */
  deliver(choice: Choice = {}): number {
    this.#raise();
    const chosen = this.#choose(choice);
    for (const { message, entries } of chosen) {
      const node = this.node(message.to);
      const event = { type: 'message', now: this.#now, message } as const;
      if (node.isUp) {
        node.step(entries === undefined ? event : { ...event, entries });
        this.#flushWhatIsNotHeld();
      }
    }
    return chosen.length;
  }

  /** Takes messages out of transit. */
  drop(choice: Choice = {}): readonly Message[] {
    this.#raise();
    return this.#choose(choice).map(({ message }) => message);
  }

  /** Sends copies of messages under way behind all others. */
  double(choice: Choice = {}): void {
    const before = this.#transit;
    this.#transit = [...before];
    const copies = this.#choose(choice);
    this.#transit = [...before, ...copies];
  }

  /** Somebody sends something that no core sent. */
  inject(message: Message, entries?: TestBatch): void {
    this.#raise();
    this.#transit.push({ message, entries });
  }

  holdFlush(id: NodeId): void {
    this.#held.add(id);
  }

  releaseFlush(id: NodeId): void {
    this.#held.delete(id);
    this.#flushWhatIsNotHeld();
  }

  /** Flushes a held log up to `write`; by default all of it. */
  flush(id: NodeId, write?: number): void {
    this.#act(id, (node) => node.flush(this.#now, write ?? node.log.lastWrite));
  }

  crash(id: NodeId, keep = 0): void {
    const node = this.node(id);
    node.crash(keep);
    this.#invariants!.crashed(node);
  }

  resign(id: NodeId): void {
    this.#act(id, (node) => node.step({ type: 'resign', now: this.#now }));
  }

  failLog(id: NodeId): void {
    this.resign(id);
    this.crash(id);
  }

  /** As far as it may. */
  purge(id: NodeId): void {
    const index = this.node(id).core.purgeableIndex;
    this.#act(id, (node) => node.step({ type: 'purge', now: this.#now, index }));
  }

  /** The snapshot under way to `to` arrives, and takes the place of what is there if it is wanted. */
  install(to: NodeId): void {
    const { from, base, entries } = this.#endSnapshot(to);
    const node = this.node(to);
    if (node.core.wants(base)) {
      node.install(entries);
      this.#invariants!.crashed(node);
      this.#start(node);
    } else this.#lines.push(`${to}: does not want the state at ${base.index}@${base.term}`);
    this.#snapshotEnded(from, to, base.index);
  }

  loseSnapshot(to: NodeId): void {
    const { from } = this.#endSnapshot(to);
    this.#snapshotEnded(from, to, 0);
  }

  /** Its disk is damaged, and it starts with nothing but a mark of that. */
  wipe(id: NodeId): void {
    const node = this.node(id);
    node.wipe();
    this.#invariants!.crashed(node);
    this.#start(node);
  }

  /** Crashes, and the disk has lost what it had flushed, from the entry `index` on. */
  forget(id: NodeId, index: number): void {
    this.crash(id);
    this.node(id).log.forget(index);
    this.#invariants!.forgot(this.node(id));
    this.restart(id);
  }

  restart(id: NodeId): void {
    this.#start(this.node(id));
  }

  /** Delivers until nothing is under way. */
  stabilize(): void {
    for (let rounds = 0; this.deliver() > 0; rounds++) assert(rounds < 1_000, 'it never ends');
  }

  /** Time passes, timers ring; messages lie still. */
  advance(ms: number): void {
    this.#advance(ms, () => {});
  }

  /** Time passes, timers ring, and messages arrive at once. */
  run(ms: number): void {
    this.stabilize();
    this.#advance(ms, () => this.stabilize());
  }

  onSend(_node: TestNode, message: Message, entries: TestBatch | undefined): void {
    this.sent.push(message);
    if (this.links.isUp(message.from, message.to)) this.#transit.push({ message, entries });
  }

  onSendSnapshot({ id, log }: TestNode, to: NodeId, base: LogBase): void {
    const entries = log.entries.slice(0, base.index);
    this.#snapshots.push({ from: id, to, base, entries });
  }

  onWrite(): void {}

  onStep(node: TestNode, event: Event, effects: readonly CoreEffect[]): void {
    this.#lines.push(`${node.id}: ${describeEvent(event)}`);
    for (const effect of effects) {
      this.#lines.push(`   ${describeEffect(effect)}`);
      this.effects.push({ node: node.id, effect });
    }
    this.#invariants!.stepped(node, event, effects);
  }

  #act(id: NodeId, action: (node: TestNode) => void): void {
    action(this.node(id));
    this.#flushWhatIsNotHeld();
  }

  #choose({ from, to, count }: Choice): readonly InTransit[] {
    const matching = this.#transit.filter(
      ({ message }) =>
        !this.paused.has(message.to) &&
        (from === undefined || message.from === from) &&
        (to === undefined || message.to === to),
    );
    const chosen = count === 'last' ? matching.slice(-1) : matching.slice(0, count);
    this.#transit = this.#transit.filter((inTransit) => !chosen.includes(inTransit));
    return chosen;
  }

  #flushWhatIsNotHeld(): void {
    for (const node of this.nodes.values()) {
      while (node.isUp && node.log.unflushed > 0 && !this.#held.has(node.id)) {
        node.flush(this.#now, node.log.lastWrite);
      }
    }
  }

  #advance(ms: number, between: () => void): void {
    this.#raise();
    const end = this.#now + ms;
    for (;;) {
      const up = [...this.nodes.values()].filter((node) => node.isUp && !this.paused.has(node.id));
      const due = Math.min(...up.map((node) => node.core.deadline));
      if (due > end) break;
      this.#now = Math.max(this.#now, due);
      this.#lines.push(`at ${this.#now} ms`);
      for (const node of up) {
        if (node.core.deadline > this.#now) continue;
        this.#act(node.id, () => node.step({ type: 'tick', now: this.#now }));
      }
      between();
    }
    this.#now = end;
  }

  #endSnapshot(to: NodeId): Snapshot {
    const snapshot = this.#snapshots.find((one) => one.to === to);
    assert(snapshot !== undefined, `no snapshot is on its way to node ${to}`);
    this.#snapshots = this.#snapshots.filter((one) => one !== snapshot);
    return snapshot;
  }

  #snapshotEnded(from: NodeId, peer: NodeId, index: number): void {
    const event = { type: 'snapshotEnded', now: this.#now, peer, index } as const;
    this.#act(from, (node) => node.step(event));
  }

  /** Starts all nodes, once. */
  #raise(): void {
    if (this.#invariants !== undefined) return;
    for (const [id, { term, vote, entries }] of this.#presets) {
      const log = new TestLog({ term, vote, entries });
      const random = { nextUint32: () => Math.ceil((id / 10) * 0x1_0000_0000) };
      const options = { ...this.#options, id };
      this.nodes.set(id, new TestNode({ world: this, log, random }, options));
    }
    const nodes = [...this.nodes.values()];
    this.#invariants = new Invariants(nodes, this.#options, () => this.#now);
    for (const node of this.nodes.values()) this.#start(node);
  }

  #start(node: TestNode): void {
    node.start(this.#now);
    this.#invariants!.started(node);
  }
}
