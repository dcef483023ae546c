import { isDleError, randomBelow, SeededRandom, toBytes } from '@dle/common';
import { expect } from 'vitest';
import { LogStore, type LogStoreOptions, type Snapshot } from '../../src/index.js';
import { type EntryBatch, EntryBatchBuilder, Namespace } from '../../src/internal.js';
import { MemVfs } from '../../src/testing/index.js';
import { DIRECTORY } from '../support/logs.js';
import { ManualClock } from '../support/manual-clock.js';

/** One change of a key; `undefined`: a delete. */
interface Change {
  readonly key: string;
  readonly value: string | undefined;
}

interface Entry {
  readonly term: number;
  /** None: opaque. */
  readonly changes: readonly Change[];
}

/** What a log holds: its entries from 1 on, and its local state. */
interface State {
  readonly entries: readonly Entry[];
  readonly local: ReadonlyMap<string, string>;
}

/** One call that changed the log; a batch may be torn between its entries. */
interface Step {
  readonly states: readonly State[];
  /** 0: what was recovered, which is flushed. */
  readonly sequence: number;
}

interface HeldSnapshot {
  readonly snapshot: Snapshot;
  readonly content: ReadonlyMap<string, string>;
}

/** How often each kind of thing was done, or found, so that a test can say it happened. */
export interface Tally {
  replaced: number;
  floors: number;
  compacted: number;
  gone: number;
  crashes: number;
  vouched: number;
  harmed: number;
}

export const newTally = (): Tally => ({
  replaced: 0,
  floors: 0,
  compacted: 0,
  gone: 0,
  crashes: 0,
  vouched: 0,
  harmed: 0,
});

export interface MemberOptions extends LogStoreOptions {
  readonly open?: typeof LogStore.open;
}

/** A replicated store and a dumb model of it, driven by one seed. */
export class Member {
  readonly vfs: MemVfs;
  readonly random: SeededRandom;
  readonly tally: Tally;
  readonly #options: LogStoreOptions;
  readonly #open: typeof LogStore.open;
  /** Of this life: what the last one has left to do never comes. */
  #clock: ManualClock = new ManualClock();
  #steps: Step[] = [{ states: [{ entries: [], local: new Map() }], sequence: 0 }];
  #flushed = 0;
  #submitted = 0;
  #survived = 0;
  /** The highest that was ever said to be committed, of those that are there. */
  #committed = 0;
  #term = 1;
  /** The floor that is known to be durable, and those that may be. */
  #floor = 0;
  #maybeFloor = 0;
  #snapshots: HeldSnapshot[] = [];
  #underWay: Promise<unknown>[] = [];
  #store: LogStore | undefined;

  constructor(seed: number, tally: Tally = newTally(), options: MemberOptions = {}) {
    const { open = LogStore.open, ...rest } = options;
    this.#open = open;
    this.#options = {
      replicated: true,
      segmentSize: 4_096,
      tailCacheBytes: 2_048,
      compaction: { automatic: false, bytesPerSecond: 0 },
      ...rest,
    };
    this.tally = tally;
    this.random = new SeededRandom(seed);
    this.vfs = new MemVfs({ random: this.random, clock: this.#clock });
  }

  get clock(): ManualClock {
    return this.#clock;
  }

  get store(): LogStore {
    if (this.#store === undefined) throw new Error('the store is not open');
    return this.#store;
  }

  get state(): State {
    return this.#steps.at(-1)!.states.at(-1)!;
  }

  below(bound: number): number {
    return randomBelow(this.random, bound);
  }

  /** Opens the store, and holds what it has recovered against the model. */
  async open(): Promise<LogStore> {
    this.#clock = new ManualClock();
    const components = { vfs: this.vfs, clock: this.#clock, random: this.random };
    const store = await this.#open(DIRECTORY, this.#options, components);
    this.#store = store;
    await this.#compare(store);
    store.log.onFlushed((sequence) => {
      this.#flushed = sequence;
    });
    store.log.onSubmitted((sequence) => {
      this.#submitted = sequence;
    });
    return store;
  }

  /** Key directories are lost or damaged, which is to change nothing. */
  async harm(): Promise<void> {
    const directories = this.vfs.paths.filter((path) => path.endsWith('.directory')).sort();
    for (const path of directories) {
      const choice = this.below(6);
      if (choice < 2) this.tally.harmed++;
      if (choice === 0) await this.vfs.unlink(path);
      else if (choice === 1) {
        this.vfs.flipBit(path, this.below(this.vfs.sizeOf(path)), this.below(8));
      }
    }
  }

  /** Lives until the machine crashes, or enough has been done. */
  async live(actions: number): Promise<void> {
    const store = await this.open();
    for (let action = 0; action < actions && !this.vfs.down; action++) await this.act();
    await this.settle();
    await this.check();
    for (const { snapshot } of this.#snapshots.splice(0)) snapshot.close();
    if (this.below(2) === 0) await store.close();
  }

  /** As `live`, and the machine may crash as is planned. */
  async liveAndCrash(actions: number): Promise<void> {
    try {
      await this.live(actions);
    } catch (thrown) {
      if (!this.vfs.down || !isDleError(thrown)) throw thrown;
    }
    await this.end();
  }

  /** Ends this life: now and then the process dies alone, and nothing that it wrote is lost. */
  async end(): Promise<void> {
    const killed = !this.vfs.down && this.below(2) === 0;
    this.#survived = killed ? this.#submitted : 0;
    if (killed) this.vfs.kill();
    else if (!this.vfs.down) this.vfs.crash();
    // What the dead process was about to do meets a dead disk, and not that of the next one.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    this.#snapshots = [];
    this.#underWay = [];
    this.#store = undefined;
    this.tally.crashes++;
    this.vfs.restart();
  }

  async act(): Promise<void> {
    const { log } = this.store;
    const choice = this.below(16);
    if (choice < 5) this.append(log.lastIndex + 1);
    else if (choice < 7) {
      // What was committed stays, even if this node has forgotten that it is.
      if (log.lastIndex === this.#committed) return;
      this.append(this.#committed + 1 + this.below(log.lastIndex - this.#committed));
      this.tally.replaced++;
    } else if (choice < 8) this.setLocal(`key ${this.below(3)}`);
    else if (choice < 11)
      await this.commit(log.commit + this.below(log.lastIndex - log.commit + 1));
    else if (choice < 12) await log.whenFlushed(log.accepted);
    else if (choice < 13) await this.pass();
    else if (choice < 14) await this.#orNot(this.raiseFloor());
    else if (choice < 15) await this.#orNot(this.compact());
    else await this.look();
  }

  append(first: number, count: number = 1 + this.below(4)): void {
    const { log } = this.store;
    const replaces = first <= log.lastIndex;
    if (replaces || this.below(8) === 0) this.#term++;
    const added = Array.from({ length: count }, () => this.#draw());
    const batch = batchOf(first, added);
    const sequence = log.append(batch, { replaces, durable: this.below(3) > 0 });
    const last = this.state;
    const kept = last.entries.slice(0, first - 1);
    const states = added.map((_, place) => {
      return { ...last, entries: [...kept, ...added.slice(0, place + 1)] };
    });
    this.#steps.push({ states, sequence });
  }

  setLocal(key: string): void {
    const value = `${this.random.nextUint32()}`;
    const sequence = this.store.log.setLocalState(key, toBytes(value));
    const local = new Map(this.state.local).set(key, value);
    this.#steps.push({ states: [{ ...this.state, local }], sequence });
  }

  /** The entries up to `index` are written, and committed; applied they may be a little later. */
  async commit(index: number): Promise<void> {
    const { store } = this;
    while (store.log.submitted < store.log.accepted && store.log.failure === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    store.log.setCommit(index);
    this.#committed = Math.max(this.#committed, index);
    store.apply(this.below(4) === 0 ? Math.max(store.appliedIndex, index - 2) : index);
  }

  async raiseFloor(index: number = this.below(this.store.appliedIndex + 1)): Promise<void> {
    if (index <= this.#floor) return;
    const { term } = this.state.entries[index - 1]!;
    this.#maybeFloor = Math.max(this.#maybeFloor, index);
    await this.store.setFloor({ index, term, state: toBytes(`state at ${index}`) });
    this.#floor = Math.max(this.#floor, index);
    this.tally.floors++;
  }

  async compact(): Promise<void> {
    const { bytesFreed } = this.store.stats().compaction;
    await this.store.compact();
    this.tally.compacted++;
    if (this.store.stats().compaction.bytesFreed > bytesFreed) this.tally.gone++;
  }

  /** Time passes: what the store does by itself is done. */
  async pass(ms: number = 400): Promise<void> {
    this.#clock.pass(ms);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Whatever was begun is done. */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay.splice(0));
  }

  /** What should be there after the entries up to `index`. */
  contentAt(index: number): Map<string, string> {
    const content = new Map<string, string>();
    for (const { changes } of this.state.entries.slice(0, index)) {
      for (const { key, value } of changes) {
        if (value === undefined) content.delete(key);
        else content.set(key, value);
      }
    }
    return new Map([...content].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Takes a snapshot, or looks at one, or at a part of what is there. */
  async look(): Promise<void> {
    const { store } = this;
    const content = this.contentAt(store.appliedIndex);
    const choice = this.below(5);
    if (choice === 0 && this.#snapshots.length < 4) {
      const snapshot = store.snapshot();
      expect(snapshot.index).toBe(store.appliedIndex);
      this.#snapshots.push({ snapshot, content });
    } else if (choice === 1 && this.#snapshots.length > 0) {
      const [held] = this.#snapshots.splice(this.below(this.#snapshots.length), 1);
      await expectSnapshot(store, held!);
      held!.snapshot.close();
    } else if (choice === 2) {
      const from = keyOf(this.below(KEYS));
      const found = (await store.iterator({ gte: from, limit: 5 }).all()).map(textsOf);
      expect(found).toEqual([...content].filter(([key]) => key >= from).slice(0, 5));
    } else if (choice === 3) {
      const key = keyOf(this.below(KEYS));
      expect(textOf(store.getSync(key))).toBe(content.get(key));
    } else {
      await this.#checkLog(store, this.state);
    }
  }

  /** All that is there is what it should be, however it is looked at. */
  async check(): Promise<void> {
    const { store } = this;
    const content = this.contentAt(store.appliedIndex);
    await expectContent(store, content);
    for (const held of this.#snapshots) await expectSnapshot(store, held);
    await this.#checkLog(store, this.state);
    const { damage } = await store.verify();
    expect(damage).toEqual([]);
  }

  /** Some of what is begun is waited for, and some goes on beside what comes next. */
  async #orNot(work: Promise<void>): Promise<void> {
    const store = this.#store;
    const settled = work.catch((thrown: unknown) => {
      // What a crash has interrupted is told by whoever comes next.
      if (!this.vfs.down && store === this.#store) throw thrown;
    });
    if (this.below(3) > 0) await settled;
    else this.#underWay.push(settled);
  }

  #draw(): Entry {
    if (this.below(8) === 0) return { term: this.#term, changes: [] };
    const changes = Array.from({ length: 1 + this.below(3) }, () => {
      const key = keyOf(this.below(KEYS));
      if (this.below(4) === 0) return { key, value: undefined };
      return { key, value: `${this.random.nextUint32()}`.repeat(1 + this.below(40)) };
    });
    return { term: this.#term, changes };
  }

  /** Finds the state that was recovered: none before what was flushed, none that never was. */
  async #compare(store: LogStore): Promise<void> {
    const { log, floor } = store;
    expect(log.firstIndex).toBe(floor.index + 1);
    expect(floor.index).toBeGreaterThanOrEqual(this.#floor);
    expect(floor.index).toBeLessThanOrEqual(this.#maybeFloor);
    const safe = Math.max(this.#flushed, this.#survived);
    const last = this.#steps.findLastIndex(({ sequence }) => sequence <= safe);
    const possible = this.#steps
      .slice(last)
      .flatMap((step, place) => (place === 0 ? step.states.slice(-1) : step.states));
    const found = JSON.stringify(await entriesOf(store));
    const local = log.localStates();
    const state = possible.find(({ entries, local: expected }) => {
      const isSame = entries.length === log.lastIndex && isSameLocal(expected, local);
      return isSame && JSON.stringify(entries.slice(floor.index)) === found;
    });
    if (state === undefined) throw new Error(`a log up to ${log.lastIndex} that never was`);
    if (floor.index > 0) {
      expect(floor.term).toBe(state.entries[floor.index - 1]!.term);
      expect(textOf(floor.state)).toBe(`state at ${floor.index}`);
      this.tally.vouched += store.stats().directories.loaded > 0 ? 1 : 0;
    }
    expect(store.appliedIndex).toBe(log.commit);
    expect(store.appliedIndex).toBeGreaterThanOrEqual(floor.index);
    expect(store.appliedIndex).toBeLessThanOrEqual(Math.min(this.#committed, log.lastIndex));
    this.#committed = Math.min(this.#committed, log.lastIndex);
    this.#steps = [{ states: [state], sequence: 0 }];
    this.#flushed = 0;
    this.#submitted = 0;
    this.#floor = floor.index;
    this.#maybeFloor = floor.index;
    this.#term = Math.max(this.#term, state.entries.at(-1)?.term ?? 1);
    await expectContent(store, this.contentAt(store.appliedIndex));
  }

  async #checkLog(store: LogStore, state: State): Promise<void> {
    const { log } = store;
    const { firstIndex } = log;
    const entries = entriesOf(store);
    expect(await entries).toEqual(state.entries.slice(firstIndex - 1));
    // It may have been raised meanwhile.
    const { floor } = store;
    expect(log.firstIndex).toBe(floor.index + 1);
    expect(log.termAt(floor.index)).toBe(state.entries[floor.index - 1]?.term ?? 0);
    const opaque = state.entries.flatMap(({ changes }, place) =>
      changes.length === 0 && place >= floor.index ? [place + 1] : [],
    );
    expect(log.opaqueIndexes()).toEqual(opaque);
    const from = log.firstIndex + this.below(log.lastIndex - floor.index + 1);
    let bytes = 0;
    for (let index = from; index <= log.lastIndex; index++) bytes += log.bytesAt(index);
    expect(log.bytesFrom(from)).toBe(bytes);
    if (floor.index === 0) return;
    expect(() => log.read(floor.index, log.lastIndex)).toThrow(
      expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
    );
  }
}

const KEYS = 24;

function keyOf(number: number): string {
  return `key ${`${number}`.padStart(2, '0')}`;
}

function batchOf(first: number, entries: readonly Entry[]): EntryBatch {
  // Terms do not change within a batch.
  const builder = new EntryBatchBuilder(first, entries[0]!.term);
  for (const { changes } of entries) {
    if (changes.length === 0) builder.opaque(Namespace.consensus, toBytes('noop'), toBytes(''));
    for (const { key, value } of changes) {
      if (value === undefined) builder.delete(toBytes(key));
      else builder.put(toBytes(key), toBytes(value));
    }
    builder.endEntry();
  }
  return builder.finish();
}

/** All that can be read by their indexes. */
async function entriesOf({ log }: LogStore): Promise<Entry[]> {
  if (log.firstIndex > log.lastIndex) return [];
  const batch = await log.read(log.firstIndex, log.lastIndex);
  const entries = new Map<number, { term: number; changes: Change[] }>();
  batch.forEachRecord(({ index, term, kind, key, value }) => {
    const entry = entries.get(index) ?? { term, changes: [] };
    entries.set(index, entry);
    if (kind === 3) return;
    entry.changes.push({ key: text(key), value: kind === 1 ? text(value) : undefined });
  });
  return [...entries.values()];
}

function isSameLocal(
  expected: ReadonlyMap<string, string>,
  found: ReadonlyMap<string, Uint8Array>,
): boolean {
  if (expected.size !== found.size) return false;
  return [...expected].every(([key, value]) => textOf(found.get(key)) === value);
}

async function expectContent(store: LogStore, content: ReadonlyMap<string, string>): Promise<void> {
  expect((await store.iterator().all()).map(textsOf)).toEqual([...content]);
  expect((await store.keys({ reverse: true }).all()).map(text)).toEqual(
    [...content.keys()].reverse(),
  );
  for (let number = 0; number < KEYS; number++) {
    const key = keyOf(number);
    expect([key, textOf(store.getSync(key))]).toEqual([key, content.get(key)]);
  }
  const keys = store.snapshotKeys();
  expect([keys.index, keys.size]).toEqual([store.appliedIndex, content.size]);
  keys.close();
}

async function expectSnapshot(store: LogStore, { snapshot, content }: HeldSnapshot): Promise<void> {
  expect((await store.iterator({ snapshot }).all()).map(textsOf)).toEqual([...content]);
  for (let number = 0; number < KEYS; number += 5) {
    const key = keyOf(number);
    expect(textOf(await store.get(key, { snapshot }))).toBe(content.get(key));
    expect(textOf(store.getSync(key, { snapshot }))).toBe(content.get(key));
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && text(bytes);
}

function textsOf([key, value]: readonly [Uint8Array, Uint8Array]): [string, string] {
  return [text(key), text(value)];
}
