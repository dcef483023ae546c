import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogView, NO_BASE } from '../../src/core/log-view.js';
import { TestBatch, type TestEntry } from '../../src/testing/index.js';

type Change =
  | {
      readonly do: 'append';
      readonly entries: readonly [rise: number, bytes: number, isConfig: boolean][];
    }
  | { readonly do: 'truncate' | 'purge'; readonly share: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    entries: fc.array(fc.tuple(fc.nat(1), fc.nat(50), fc.boolean()), {
      minLength: 1,
      maxLength: 30,
    }),
  }),
  fc.record({
    do: fc.constantFrom('truncate' as const, 'purge' as const),
    share: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
);

/** A list of entries, asked by looking at all of them. */
class DumbLog {
  entries: TestEntry[] = [];

  grow(rises: readonly [number, number, boolean][]): TestBatch {
    const added: TestEntry[] = [];
    for (const [rise, bytes, isConfiguration] of rises) {
      const index = this.entries.length + 1;
      const term = (this.entries.at(-1)?.term ?? 0) + rise;
      const entry = { index, term, previousTerm: 0, bytes, value: '' };
      const made = isConfiguration ? { ...entry, configuration: { voters: [index] } } : entry;
      this.entries.push(made);
      added.push(made);
    }
    return new TestBatch(added);
  }

  termAt(index: number): number {
    return this.entries[index - 1]?.term ?? 0;
  }

  lastPossibleMatch(index: number, term: number): number {
    let match = Math.min(index, this.entries.length);
    while (this.termAt(match) > term) match--;
    return match;
  }

  firstWithin(last: number, budget: number): number {
    let first = last + 1;
    let left = budget;
    for (const { bytes } of this.entries.slice(0, last).reverse()) {
      left -= bytes;
      if (left < 0) break;
      first--;
    }
    return first;
  }

  lastWithin(first: number, budget: number): number {
    let last = first - 1;
    let left = budget;
    for (const { bytes } of this.entries.slice(first - 1)) {
      left -= bytes;
      if (left < 0) break;
      last++;
    }
    return last;
  }
}

describe('LogView', () => {
  it('answers as a list of entries would, through appends and replacements', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 20 }),
        fc.nat(1_000),
        fc.nat(20),
        (changes, at, term) => {
          const dumb = new DumbLog();
          const log = new LogView(NO_BASE, []);
          for (const made of changes) {
            if (made.do === 'append') {
              const batch = dumb.grow(made.entries);
              log.append(batch, batch.firstIndex);
            } else if (dumb.entries.length > 0) {
              const index = 1 + Math.floor(made.share * dumb.entries.length);
              if (made.do === 'purge') {
                if (index > log.baseIndex) log.purge(index);
              } else if (index > log.baseIndex) {
                dumb.entries.length = index - 1;
                log.truncate(index);
              }
            }
          }
          const { length } = dumb.entries;
          expect(log.lastIndex).toBe(length);
          expect(log.lastTerm).toBe(dumb.termAt(length));
          const last = dumb.entries.findLast((entry) => entry.configuration !== undefined);
          expect(log.configuration?.index).toBe(last?.index);
          const { baseIndex } = log;
          const index = baseIndex + (at % (length - baseIndex + 1));
          expect(log.termAt(index)).toBe(dumb.termAt(index));
          expect(log.holds(index, term)).toBe(dumb.termAt(index) === term);
          const match = dumb.lastPossibleMatch(at, term);
          if (match >= baseIndex) expect(log.lastPossibleMatch(at, term)).toBe(match);
          else expect(log.lastPossibleMatch(at, term)).toBeLessThan(baseIndex);
          const before = dumb.entries.findLast(
            (entry) => entry.index <= index && entry.configuration !== undefined,
          );
          expect(log.baseAt(index)).toMatchObject({ index, term: dumb.termAt(index) });
          expect(log.baseAt(index).configuration?.index).toBe(before?.index);
          if (index === baseIndex) return;
          expect(log.lastWithin(index, at)).toBe(dumb.lastWithin(index, at));
          const first = Math.max(baseIndex + 1, dumb.firstWithin(index, at));
          expect(log.firstWithin(index, at)).toBe(first);
          const bytes = dumb.entries.slice(index - 1).reduce((sum, entry) => sum + entry.bytes, 0);
          expect(log.bytesBetween(index, length)).toBe(bytes);
        },
      ),
    );
  });

  it('takes the rest of a batch whose beginning is there', () => {
    const dumb = new DumbLog();
    const batch = dumb.grow([
      [1, 10, true],
      [0, 10, false],
      [1, 10, true],
    ]);
    const log = new LogView(NO_BASE, [new TestBatch(batch.entries.slice(0, 1))]);
    log.append(batch, 2);
    expect(log.lastIndex).toBe(3);
    expect(log.configuration?.index).toBe(3);
  });

  it('compares logs by last term, then by length', () => {
    const log = new LogView(NO_BASE, [
      new DumbLog().grow([
        [1, 1, false],
        [1, 1, false],
        [0, 1, false],
      ]),
    ]);
    expect(log.isMatchedBy(3, 2)).toBe(true);
    expect(log.isMatchedBy(2, 2)).toBe(false);
    expect(log.isMatchedBy(99, 1)).toBe(false);
    expect(log.isMatchedBy(1, 3)).toBe(true);
  });

  it('does not jump, fall or forget', () => {
    const batch = new DumbLog().grow([
      [3, 1, false],
      [0, 1, false],
    ]);
    const log = new LogView(NO_BASE, [batch]);
    expect(() => log.append(batch, 1)).toThrow(/entry 1 after 2/);
    expect(() => log.appendOne(2, 1)).toThrow(/after a later one/);
    expect(() => log.truncate(3)).toThrow(/no entry 3/);
    expect(() => log.termAt(3)).toThrow(/no entry 3/);
  });

  it('holds a million entries in some megabytes', () => {
    const before = process.memoryUsage().arrayBuffers;
    const log = new LogView(NO_BASE, []);
    for (let index = 1; index <= 1_000_000; index++)
      log.appendOne(1 + Math.floor(index / 1e5), 100);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10e6);
    expect(log.bytesBetween(500_001, 1_000_000)).toBe(50e6);
    expect(log.lastWithin(900_000, 1_000)).toBe(900_009);
  });
});
