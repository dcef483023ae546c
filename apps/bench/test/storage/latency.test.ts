import { describe, expect, it } from 'vitest';
import { latencyOf, percentile } from '../../src/storage/latency.js';

describe('latencies', () => {
  it('have percentiles that were measured', () => {
    const sorted = Float64Array.from({ length: 100 }, (_, at) => at + 1);
    expect(percentile(sorted, 50)).toBe(50);
    expect(percentile(sorted, 99)).toBe(99);
    expect(percentile(sorted, 100)).toBe(100);
    expect(percentile(sorted.subarray(0, 1), 50)).toBe(1);
  });

  it('are less what the clock costs, and never less than nothing', () => {
    const times = Float64Array.from([5, 1, 3]);
    expect(latencyOf(times, 2)).toEqual({ operations: 3, medianMs: 1, p99Ms: 3, clockMs: 2 });
    expect(latencyOf(times, 4).medianMs).toBe(0);
  });

  it('find out what the clock costs: something, but well below a microsecond or two', () => {
    const { clockMs } = latencyOf(new Float64Array(1));
    expect(clockMs).toBeGreaterThanOrEqual(0);
    expect(clockMs).toBeLessThan(0.01);
  });
});
