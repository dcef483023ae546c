import { describe, expect, it } from 'vitest';
import { figure, latency, throughput } from '../../src/storage/figures.js';
import { linearity } from '../../src/storage/opening-workloads.js';
import { timesAsLong, timesTheFastest } from '../../src/storage/ratios.js';
import { reachedInWords, target } from '../../src/targets.js';

const OF = { workload: 'read-into', keys: 1_000, subject: 'dle getInto' };

function rate(...perSecond: number[]) {
  const rounds = perSecond.map((operations) => ({ operations, elapsedMs: 1_000 }));
  return throughput(OF, rounds);
}

describe('a figure', () => {
  it('is the median over the rounds, with how far they lie apart', () => {
    expect(rate(80, 100, 120)).toMatchObject({ ...OF, unit: 'ops/s', value: 100, spread: 0.4 });
    expect(rate(80, 100, 120).rounds).toEqual([80, 100, 120]);
  });

  it('of latencies is in microseconds', () => {
    const round = { operations: 10, medianMs: 0.0005, p99Ms: 0.002, clockMs: 0 };
    const { unit, value, p99 } = latency(OF, [round]);
    expect({ unit, value, p99 }).toEqual({ unit: 'µs', value: 0.5, p99: 2 });
  });

  it('has no value where there is nothing to tell', () => {
    expect(figure(OF, 'bytes a key', [])).toMatchObject({ value: undefined, spread: 0 });
  });
});

describe('a target', () => {
  it.each([
    ['≥', 3, true],
    ['>', 3, false],
    ['≤', 3, true],
    ['<', 3, false],
    ['>', 2.9, true],
    ['<', 3.1, true],
    ['≥', 3.1, false],
    ['≤', 2.9, false],
  ] as const)('of %s %d: 3 reaches it: %s', (relation, value, reached) => {
    expect(target('a', 1, { relation, value, unit: '×' }, 3).reached).toBe(reached);
  });

  it('that could not be measured is not reached', () => {
    expect(target('a', 1, { relation: '≤', value: 18, unit: 'bytes a key' }).reached).toBe(false);
  });

  it('compares with the fastest of the peers', () => {
    expect(timesTheFastest(rate(600), [rate(100), rate(200)])).toBe(3);
    expect(timesAsLong(figure(OF, 'µs', [13]), figure(OF, 'µs', [10]))).toBe(1.3);
    expect(timesTheFastest(rate(), [rate(100)])).toBeUndefined();
  });

  it('is counted, reached or not', () => {
    const bound = { relation: '≥', value: 3, unit: '×' } as const;
    const targets = [target('a', 1, bound, 4), target('b', 1, bound, 2), target('c', 1, bound)];
    expect(reachedInWords(targets)).toBe('1 of 3 targets reached');
  });
});

describe('opening', () => {
  const opened = (keys: number, seconds: number) =>
    figure({ workload: 'open', keys, subject: 'dle open, closed before' }, 's', [seconds]);

  it('is linear in the keys up to 1.3 times the factor between them', () => {
    const figures = [opened(1_000_000, 0.2), opened(10_000_000, 2.5)];
    expect(linearity({ figures })).toMatchObject([
      { keys: 10_000_000, bound: { value: 13 }, reached: true },
    ]);
  });

  it('is not compared with itself', () => {
    expect(linearity({ figures: [opened(1_000_000, 0.2)] })).toEqual([]);
    expect(linearity({ figures: [] })).toEqual([]);
  });
});
