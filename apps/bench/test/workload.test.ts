import { SeededRandom } from '@dle/common';
import { describe, expect, it } from 'vitest';
import { KEY_BYTES, Operations, Records, VALUE_BYTES } from '../src/workload.js';

const SHAPE = { count: 2_000, records: 500, order: 'uniform', writes: 20 } as const;

function drawn(seed: number, shape: ConstructorParameters<typeof Operations>[1] = SHAPE) {
  const operations = new Operations(new SeededRandom(seed), shape);
  return Array.from({ length: operations.count }, (_, at) => ({
    record: operations.record(at),
    isWrite: operations.isWrite(at),
  }));
}

describe('a workload', () => {
  it('is the same from the same seed, and another from another', () => {
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(8)).not.toEqual(drawn(7));
  });

  it('chooses uniformly among all records', () => {
    const seen = new Set(drawn(1, { ...SHAPE, count: 10_000 }).map(({ record }) => record));
    expect(seen.size).toBe(SHAPE.records);
    expect(Math.max(...seen)).toBe(SHAPE.records - 1);
  });

  it('goes through the records in order, and begins again', () => {
    const records = drawn(1, { ...SHAPE, order: 'sequential' }).map(({ record }) => record);
    expect(records.slice(498, 502)).toEqual([498, 499, 0, 1]);
  });

  it('writes as often as it is told', () => {
    const writes = (share: number) =>
      drawn(1, { ...SHAPE, writes: share }).filter(({ isWrite }) => isWrite).length;
    expect(writes(0)).toBe(0);
    expect(writes(100)).toBe(SHAPE.count);
    expect(writes(20)).toBeGreaterThan(SHAPE.count * 0.17);
    expect(writes(20)).toBeLessThan(SHAPE.count * 0.23);
  });

  it('has different keys and values of the sizes it says', () => {
    const records = new Records(new SeededRandom(1), 1_000);
    const keys = new Set<string>();
    const values = new Set<string>();
    for (let at = 0; at < records.count; at++) {
      expect(records.key(at)).toHaveLength(KEY_BYTES);
      expect(records.value(at)).toHaveLength(VALUE_BYTES);
      keys.add(Buffer.from(records.key(at)).toString('hex'));
      values.add(Buffer.from(records.value(at)).toString('hex'));
    }
    expect([keys.size, values.size]).toEqual([1_000, 1_000]);
  });
});
