import type { Configuration, EntryBatch, IndexedConfiguration } from '../core/types.js';

/**
 * An entry with its contents in memory. Each is made once, by a leader, and is then known by
 * identity.
 */
export interface TestEntry {
  readonly index: number;
  readonly term: number;
  /**
   * Term of the entry before it where it was made: logs that share an entry must share what
   * precedes it.
   */
  readonly previousTerm: number;
  readonly bytes: number;
  readonly value: string;
  readonly configuration?: Configuration;
}

const NONE: readonly IndexedConfiguration[] = [];

/** Consecutive entries, as the core sees them. */
export class TestBatch implements EntryBatch {
  readonly entries: readonly TestEntry[];
  readonly firstIndex: number;
  readonly count: number;
  readonly configurations: readonly IndexedConfiguration[];

  /** @param entries at least one, with consecutive indexes. */
  constructor(entries: readonly TestEntry[]) {
    this.entries = entries;
    this.firstIndex = entries[0]!.index;
    this.count = entries.length;
    this.configurations = configurationsOf(entries);
  }

  termAt(index: number): number {
    return this.entries[index - this.firstIndex]!.term;
  }

  bytesAt(index: number): number {
    return this.entries[index - this.firstIndex]!.bytes;
  }
}

function configurationsOf(entries: readonly TestEntry[]): readonly IndexedConfiguration[] {
  let found: IndexedConfiguration[] | undefined;
  for (const { index, configuration } of entries) {
    if (configuration === undefined) continue;
    found ??= [];
    found.push({ index, configuration });
  }
  return found ?? NONE;
}
