import { assert } from '@dle/common';
import { NOBODY, votersOf } from './configuration.js';
import { EntrySizes } from './entry-sizes.js';
import { TermRuns } from './term-runs.js';
import type { Configuration, EntryBatch, IndexedConfiguration, LogBase, NodeId } from './types.js';

/** Of a log that is whole. */
export const NO_BASE: LogBase = { index: 0, term: 0, configuration: undefined };

/**
 * What the core knows of its log: terms, sizes and configurations, never contents. It is ahead of
 * the device: `Writes` knows how far.
 */
export class LogView {
  readonly #terms: TermRuns;
  readonly #sizes: EntrySizes;
  /**
   * That of the base and all in the log, in order, so that replacing the last one brings the one
   * before back.
   */
  readonly #configurations: IndexedConfiguration[];
  #baseIndex: number;

  constructor({ index, term, configuration }: LogBase, batches: Iterable<EntryBatch>) {
    this.#baseIndex = index;
    this.#terms = new TermRuns(index, term);
    this.#sizes = new EntrySizes(index);
    this.#configurations = configuration === undefined ? [] : [configuration];
    for (const batch of batches) this.append(batch, batch.firstIndex);
  }

  /** The entries up to here are in the log no more: nothing but the last one's term is known. */
  get baseIndex(): number {
    return this.#baseIndex;
  }

  get lastIndex(): number {
    return this.#sizes.lastIndex;
  }

  get lastTerm(): number {
    return this.#terms.lastTerm;
  }

  /** The configuration that counts: the last one in the log, committed or not. */
  get configuration(): IndexedConfiguration | undefined {
    return this.#configurations.at(-1);
  }

  /** The members that it names; without one, nobody. */
  get members(): Configuration {
    return this.configuration?.configuration ?? NOBODY;
  }

  /** Whether `id` is the one voter in this log, and never was another. */
  isOnly(id: NodeId): boolean {
    return (
      this.#configurations.length > 0 &&
      this.#configurations.every(({ configuration }) => votersOf(configuration).join() === `${id}`)
    );
  }

  /** The members before the configuration that counts. */
  get membersBefore(): Configuration {
    return this.#configurations.at(-2)?.configuration ?? NOBODY;
  }

  /** From the base on; 0 at index 0, where a whole log begins. */
  termAt(index: number): number {
    assert(index >= this.#baseIndex && index <= this.lastIndex, `no entry ${index}`);
    return this.#terms.termAt(index);
  }

  /** Whether the entry of that index and term is in the log, or is its base. */
  holds(index: number, term: number): boolean {
    return index >= this.#baseIndex && index <= this.lastIndex && this.termAt(index) === term;
  }

  /** What a log that begins behind `index` has to know of what lies before. */
  baseAt(index: number): LogBase {
    const configuration = this.#configurations.findLast((one) => one.index <= index);
    return { index, term: this.termAt(index), configuration };
  }

  /** Forgets the entries up to `index`, which are committed. The new base. */
  purge(index: number): LogBase {
    const base = this.baseAt(index);
    this.#terms.purge(index);
    this.#sizes.purge(index);
    const kept = this.#configurations.indexOf(base.configuration!);
    if (kept > 0) this.#configurations.splice(0, kept);
    this.#baseIndex = index;
    return base;
  }

  /** Adds the entries of a batch from `fromIndex` on, which must be the next one. */
  append(batch: EntryBatch, fromIndex: number): void {
    assert(fromIndex === this.lastIndex + 1, `entry ${fromIndex} after ${this.lastIndex}`);
    assert(batch.firstIndex <= fromIndex, `the batch begins behind ${fromIndex}`);
    const end = batch.firstIndex + batch.count;
    for (let index = fromIndex; index < end; index++) {
      this.appendOne(batch.termAt(index), batch.bytesAt(index));
    }
    for (const configuration of batch.configurations) {
      if (configuration.index < fromIndex) continue;
      const last = this.configuration?.index ?? 0;
      assert(
        configuration.index > last && configuration.index < end,
        'configurations out of order',
      );
      this.#configurations.push(configuration);
    }
  }

  /** Adds one entry that is no configuration. */
  appendOne(term: number, bytes: number): void {
    this.#terms.append(this.lastIndex + 1, term);
    this.#sizes.append(bytes);
  }

  /** Adds a configuration, which counts from now on. */
  appendConfiguration(term: number, bytes: number, configuration: Configuration): void {
    this.appendOne(term, bytes);
    this.#configurations.push({ index: this.lastIndex, configuration });
  }

  /** Forgets the entries from `index` on, and the configurations among them. */
  truncate(index: number): void {
    const isThere = index > this.#baseIndex && index <= this.lastIndex;
    assert(isThere, `no entry ${index} to replace`);
    this.#terms.truncate(index);
    this.#sizes.truncate(index);
    while ((this.configuration?.index ?? 0) >= index) this.#configurations.pop();
  }

  /** Whether a log that ends so holds at least what this one does (paper section 5.4.1). */
  isMatchedBy(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /**
   * The largest index up to `index` at which a log may agree that has `term` there: terms never
   * fall along a log, so nothing of a later term can. It skips a whole term with each question
   * asked. Below the base: somewhere before the log begins.
   */
  lastPossibleMatch(index: number, term: number): number {
    return this.#terms.lastWithTermAtMost(Math.min(index, this.lastIndex), term);
  }

  bytesBetween(firstIndex: number, lastIndex: number): number {
    return this.#sizes.through(lastIndex) - this.#sizes.through(firstIndex - 1);
  }

  /**
   * The first entry of the longest run that ends at `lastIndex` and fits into `budget` bytes;
   * `lastIndex` + 1: none does.
   */
  firstWithin(lastIndex: number, budget: number): number {
    return this.#sizes.firstWithin(lastIndex, budget);
  }

  /**
   * The last entry of a run from `firstIndex` on that fits into `budget` bytes; `firstIndex` - 1:
   * none.
   */
  lastWithin(firstIndex: number, budget: number): number {
    return this.#sizes.lastWithin(firstIndex, budget);
  }
}
