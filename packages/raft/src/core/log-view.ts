import { assert } from '@dle/common';
import { NOBODY, votersOf } from './configuration.js';
import { EntrySizes } from './entry-sizes.js';
import { TermRuns } from './term-runs.js';
import type { Configuration, EntryBatch, IndexedConfiguration, NodeId } from './types.js';

/**
 * What the core knows of its log: terms, sizes and configurations, never contents. It is ahead of
 * the device: `Writes` knows how far.
 */
export class LogView {
  readonly #terms = new TermRuns();
  readonly #sizes = new EntrySizes();
  /**
   * All configurations in the log, in order, so that replacing the last one brings the one before
   * back.
   */
  readonly #configurations: IndexedConfiguration[] = [];

  constructor(batches: Iterable<EntryBatch>) {
    for (const batch of batches) this.append(batch, batch.firstIndex);
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

  /** 0 at index 0, where every log begins. */
  termAt(index: number): number {
    assert(index >= 0 && index <= this.lastIndex, `no entry ${index}`);
    return this.#terms.termAt(index);
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
    assert(index >= 1 && index <= this.lastIndex, `no entry ${index} to replace`);
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
   * asked.
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
