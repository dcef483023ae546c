import { assert } from '@dle/common';
import { LOST_TERMS } from '../core/core-state.js';
import type { NodeId, RecoveredState } from '../core/types.js';
import { TestBatch, type TestEntry } from './test-entry.js';

type DiskWrite = {
  readonly write: number;
  /** The commit index known when it was written; recovery believes the last one. */
  readonly commit: number;
} & (
  | { readonly term: number; readonly vote: NodeId; readonly lostData: boolean }
  | { readonly fromIndex: number; readonly entries: readonly TestEntry[] }
);

/** What is on the device of one node. */
export interface DurableState {
  readonly term: number;
  readonly vote: NodeId;
  readonly lostData: boolean;
  readonly commit: number;
  /** The entries up to there are the state's: the core is given those behind them. */
  readonly baseIndex: number;
  /** All from the first on. */
  readonly entries: readonly TestEntry[];
}

/**
 * One node's log on a model of a device: writes are ordered, and count only when they are flushed.
 */
export class TestLog {
  #entries: TestEntry[];
  #durable: { -readonly [Key in Exclude<keyof DurableState, 'entries'>]: DurableState[Key] } & {
    entries: TestEntry[];
  };
  #unflushed: DiskWrite[] = [];

  constructor({ term, vote, entries }: Pick<DurableState, 'term' | 'vote' | 'entries'>) {
    this.#entries = [...entries];
    const fresh = { lostData: false, commit: 0, baseIndex: 0 };
    this.#durable = { ...fresh, term, vote, entries: [...entries] };
  }

  /**
   * As written; the end of it may be lost in a crash. `entries[0]` has index 1. What is purged is
   * still here, for whoever looks at the run, and for snapshots.
   */
  get entries(): readonly TestEntry[] {
    return this.#entries;
  }

  get durable(): DurableState {
    return this.#durable;
  }

  /** Writes not flushed yet. */
  get unflushed(): number {
    return this.#unflushed.length;
  }

  get lastWrite(): number {
    return this.#unflushed.at(-1)?.write ?? 0;
  }

  saveVote(
    write: number,
    commit: number,
    { term, vote, lostData }: Pick<DurableState, 'term' | 'vote' | 'lostData'>,
  ): void {
    this.#unflushed.push({ write, commit, term, vote, lostData });
  }

  writeEntries(write: number, commit: number, entries: readonly TestEntry[]): void {
    const fromIndex = entries[0]!.index;
    replace(this.#entries, fromIndex, entries);
    this.#unflushed.push({ write, commit, fromIndex, entries });
  }

  /** Everything up to `write` reaches the device. */
  flush(write: number): void {
    let count = 0;
    while (count < this.#unflushed.length && this.#unflushed[count]!.write <= write) count++;
    for (const done of this.#unflushed.splice(0, count)) this.#persist(done);
  }

  /** A crash: of the writes not flushed the first `keep` survive, the others never happened. */
  crash(keep: number): void {
    for (const survivor of this.#unflushed.slice(0, keep)) this.#persist(survivor);
    this.#unflushed = [];
    this.#entries = [...this.#durable.entries];
  }

  /** The core has no use for the entries up to `index`, which are durable. */
  purge(index: number): void {
    assert(index <= this.#durable.entries.length, 'what is purged is durable');
    this.#durable.baseIndex = index;
    this.#durable.commit = Math.max(this.#durable.commit, index);
  }

  /** The state after `entries`, all there are up to some index, takes the place of everything. */
  install(entries: readonly TestEntry[]): void {
    this.flush(this.lastWrite);
    this.#durable.entries = [...entries];
    this.#durable.commit = this.#durable.baseIndex = entries.length;
    this.#entries = [...entries];
    const { term } = entries.at(-1)!;
    if (term <= this.#durable.term) return;
    this.#durable.term = term;
    this.#durable.vote = 0;
  }

  /** The device has lost everything, of which term and vote could be saved. */
  wipe(): void {
    this.#unflushed = [];
    this.#entries = [];
    const term = this.#durable.term + LOST_TERMS;
    this.#durable = { term, vote: 0, lostData: true, commit: 0, baseIndex: 0, entries: [] };
  }

  /** The device has lost the entries from `index` on, and nothing tells of it. */
  forget(index: number): void {
    this.#durable.entries.length = index - 1;
    this.#durable.commit = Math.min(this.#durable.commit, index - 1);
    this.#entries = [...this.#durable.entries];
  }

  recover(): Omit<RecoveredState, 'restarted'> {
    const { term, vote, lostData, commit, baseIndex, entries } = this.#durable;
    const rest = entries.slice(baseIndex);
    const batches = rest.length === 0 ? [] : [new TestBatch(rest)];
    const before = entries.slice(0, baseIndex);
    const last = before.findLast((entry) => entry.configuration !== undefined);
    const configuration = last && { index: last.index, configuration: last.configuration! };
    const base = { index: baseIndex, term: before.at(-1)?.term ?? 0, configuration };
    return { term, vote, lostData, commit, base, batches };
  }

  /** Entries `firstIndex` to `lastIndex`; none where `lastIndex` comes before. */
  read(firstIndex: number, lastIndex: number): TestBatch | undefined {
    if (lastIndex < firstIndex) return undefined;
    assert(firstIndex > this.#durable.baseIndex, `entry ${firstIndex} is purged`);
    return new TestBatch(this.#entries.slice(firstIndex - 1, lastIndex));
  }

  #persist(done: DiskWrite): void {
    this.#durable.commit = Math.max(done.commit, this.#durable.baseIndex);
    if ('entries' in done) {
      replace(this.#durable.entries, done.fromIndex, done.entries);
    } else {
      this.#durable.term = done.term;
      this.#durable.vote = done.vote;
      this.#durable.lostData = done.lostData;
    }
  }
}

function replace(log: TestEntry[], fromIndex: number, entries: readonly TestEntry[]): void {
  log.length = fromIndex - 1;
  for (const entry of entries) log.push(entry);
}
