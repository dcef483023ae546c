import { assert, type Random } from '@dle/common';
import { RaftCore } from '../core/raft-core.js';
import type { CoreEffect, CoreOptions, Event, LogBase, Message, NodeId } from '../core/types.js';
import type { TestBatch, TestEntry } from './test-entry.js';
import type { TestLog } from './test-log.js';

/** Whoever runs nodes is told what they want of the world. */
export interface TestWorld {
  /** A message leaves; it may be lost, delayed, doubled and overtaken. */
  onSend(node: TestNode, message: Message, entries: TestBatch | undefined): void;
  /** The state after the entry `base.index` is to be brought to `to`. */
  onSendSnapshot(node: TestNode, to: NodeId, base: LogBase): void;
  /** Something was written and waits to be flushed. */
  onWrite(node: TestNode): void;
  /** A step is over and its effects are carried out. */
  onStep(node: TestNode, event: Event, effects: readonly CoreEffect[]): void;
}

/** What a noop takes: a record's header and its name. */
const NOOP_BYTES = 72;
/** What the core takes a configuration for. */
const CONFIGURATION_BYTES = 256;

/** A core with a log, and a state machine that remembers everything applied to it. */
export class TestNode {
  readonly id: NodeId;
  readonly log: TestLog;
  readonly #world: TestWorld;
  readonly #random: Random;
  readonly #options: CoreOptions;
  #core: RaftCore | undefined;
  #life = 0;
  #applied = 0;
  #proposing: readonly { value: string; bytes: number }[] = [];

  constructor(
    components: { world: TestWorld; log: TestLog; random: Random },
    options: CoreOptions,
  ) {
    this.#world = components.world;
    this.#random = components.random;
    this.log = components.log;
    this.#options = options;
    this.id = options.id;
  }

  get isUp(): boolean {
    return this.#core !== undefined;
  }

  /** Of a node that is up. */
  get core(): RaftCore {
    assert(this.#core !== undefined, `node ${this.id} is down`);
    return this.#core;
  }

  /** Counts starts: what was meant for an earlier life is not for this one. */
  get life(): number {
    return this.#life;
  }

  /** Entries up to here are applied. */
  get applied(): number {
    return this.#applied;
  }

  get leads(): boolean {
    return this.#core?.role === 'leader';
  }

  start(now: number): void {
    assert(this.#core === undefined, `node ${this.id} is up`);
    this.#life++;
    const recovered = { ...this.log.recover(), restarted: this.#life > 1 };
    this.#core = new RaftCore({ random: this.#random }, this.#options, recovered, now);
    this.#applied = recovered.commit;
  }

  /** Loses its memory, and of the writes not flushed all but the first `keep`. */
  crash(keep: number): void {
    this.#core = undefined;
    this.#applied = 0;
    this.log.crash(keep);
  }

  /** Its disk is damaged: it has to begin anew. */
  wipe(): void {
    this.crash(0);
    this.log.wipe();
  }

  /** Stops, to start on the state after `entries`. */
  install(entries: readonly TestEntry[]): void {
    this.#core = undefined;
    this.#applied = 0;
    this.log.install(entries);
  }

  propose(now: number, proposals: readonly { value: string; bytes: number }[]): void {
    this.#proposing = proposals;
    this.step({ type: 'propose', now, sizes: proposals.map(({ bytes }) => bytes) });
  }

  /** The device reports everything up to `write`. */
  flush(now: number, write: number): void {
    this.log.flush(write);
    this.step({ type: 'flushed', now, write });
  }

  step(event: Event): void {
    const effects = this.core.step(event);
    for (const effect of effects) this.#carryOut(effect);
    this.#world.onStep(this, event, effects);
  }

  #carryOut(effect: CoreEffect): void {
    switch (effect.type) {
      case 'saveVote':
        this.log.saveVote(effect.write, this.#applied, effect);
        this.#world.onWrite(this);
        break;
      case 'appendNoop':
        this.#write(effect.write, [
          this.#entry(effect.index, effect.term, { value: '', bytes: NOOP_BYTES }),
        ]);
        break;
      case 'appendProposed':
        this.#write(effect.write, this.#proposedEntries(effect.firstIndex, effect.term));
        break;
      case 'appendConfiguration': {
        const { write, index, term, configuration } = effect;
        const content = { value: '', bytes: CONFIGURATION_BYTES, configuration };
        this.#write(write, [this.#entry(index, term, content)]);
        break;
      }
      case 'appendReceived': {
        const batch = effect.entries as TestBatch;
        this.#write(effect.write, batch.entries.slice(effect.fromIndex - batch.firstIndex));
        break;
      }
      case 'send': {
        const { message } = effect;
        const isAppend = message.type === 'appendRequest';
        const { previousIndex, lastIndex } = isAppend
          ? message
          : { previousIndex: 0, lastIndex: 0 };
        this.#world.onSend(this, message, this.log.read(previousIndex + 1, lastIndex));
        break;
      }
      case 'commit':
        this.#applied = effect.index;
        break;
      case 'sendSnapshot':
        this.#world.onSendSnapshot(this, effect.to, this.core.baseAt(this.#applied));
        break;
      case 'purge':
        this.log.purge(effect.base.index);
        break;
    }
  }

  #write(write: number, entries: readonly TestEntry[]): void {
    this.log.writeEntries(write, this.#applied, entries);
    this.#world.onWrite(this);
  }

  #proposedEntries(firstIndex: number, term: number): readonly TestEntry[] {
    const entries: TestEntry[] = [];
    let previousTerm = this.#termBefore(firstIndex);
    for (const { value, bytes } of this.#proposing) {
      entries.push({ index: firstIndex + entries.length, term, previousTerm, value, bytes });
      previousTerm = term;
    }
    return entries;
  }

  #entry(
    index: number,
    term: number,
    content: Pick<TestEntry, 'value' | 'bytes' | 'configuration'>,
  ): TestEntry {
    return { index, term, previousTerm: this.#termBefore(index), ...content };
  }

  #termBefore(index: number): number {
    return this.log.entries[index - 2]?.term ?? 0;
  }
}
