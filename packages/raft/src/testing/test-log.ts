import type { NodeId, RecoveredState } from '../core/types.js';
import { TestBatch, type TestEntry } from './test-entry.js';

type DiskWrite = {
  readonly write: number;
  /** The commit index known when it was written; recovery believes the last one. */
  readonly commit: number;
} & (
  | { readonly term: number; readonly vote: NodeId }
  | { readonly fromIndex: number; readonly entries: readonly TestEntry[] }
);

/** What is on the device of one node. */
export interface DurableState {
  readonly term: number;
  readonly vote: NodeId;
  readonly commit: number;
  readonly entries: readonly TestEntry[];
}

/**
 * One node's log on a model of a device: writes are ordered, and count only when they are flushed.
 */
export class TestLog {
  #entries: TestEntry[];
  #durable: { term: number; vote: NodeId; commit: number; entries: TestEntry[] };
  #unflushed: DiskWrite[] = [];

  constructor(initial: Omit<DurableState, 'commit'>) {
    this.#entries = [...initial.entries];
    this.#durable = { ...initial, commit: 0, entries: [...initial.entries] };
  }

  /** As written; the end of it may be lost in a crash. `entries[0]` has index 1. */
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

  saveVote(write: number, commit: number, term: number, vote: NodeId): void {
    this.#unflushed.push({ write, commit, term, vote });
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

  recover(): Omit<RecoveredState, 'restarted'> {
    const { term, vote, commit, entries } = this.#durable;
    const batches = entries.length === 0 ? [] : [new TestBatch([...entries])];
    return { term, vote, commit, batches };
  }

  /** Entries `firstIndex` to `lastIndex`; none where `lastIndex` comes before. */
  read(firstIndex: number, lastIndex: number): TestBatch | undefined {
    if (lastIndex < firstIndex) return undefined;
    return new TestBatch(this.#entries.slice(firstIndex - 1, lastIndex));
  }

  #persist(done: DiskWrite): void {
    this.#durable.commit = done.commit;
    if ('entries' in done) {
      replace(this.#durable.entries, done.fromIndex, done.entries);
    } else {
      this.#durable.term = done.term;
      this.#durable.vote = done.vote;
    }
  }
}

function replace(log: TestEntry[], fromIndex: number, entries: readonly TestEntry[]): void {
  log.length = fromIndex - 1;
  for (const entry of entries) log.push(entry);
}
