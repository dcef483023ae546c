import { describe, expect, it } from 'vitest';
import { BATCH_PUTS, Draws } from '../../src/storage/draws.js';
import { keyText } from '../../src/workload.js';

const KEYS = 5_000;

describe('what is drawn', () => {
  it('is the same in each process', () => {
    const [one, other] = [new Draws(KEYS), new Draws(KEYS)];
    expect(one.records).toEqual(other.records);
    expect(one.batches[2]).toEqual(other.batches[2]);
  });

  it('has the same keys as bytes and as strings', () => {
    const draws = new Draws(KEYS);
    for (const [at, record] of draws.records.entries()) {
      expect(draws.byteKeys[at]!.toString()).toBe(keyText(record));
      expect(draws.drawnTextKeys[at]).toBe(keyText(record));
      expect(draws.textKeys[record]).toBe(keyText(record));
    }
  });

  it('is taken piece by piece, and begins again where too little is left', () => {
    const draws = new Draws(KEYS);
    expect([2_000, 2_000, 2_000, 3_000].map((count) => draws.take(count))).toEqual([
      0, 2_000, 0, 2_000,
    ]);
  });

  it('has batches of puts of keys that are there', () => {
    const draws = new Draws(KEYS);
    const known = new Set(draws.textKeys);
    expect(draws.batches).toHaveLength(KEYS / BATCH_PUTS);
    for (const { key } of draws.batches.flat()) expect(known.has(key.toString())).toBe(true);
    expect(Array.from({ length: 6 }, () => draws.takeBatch())).toEqual([0, 1, 2, 3, 4, 0]);
  });

  it('writes as often as it is told', () => {
    const writes = new Draws(KEYS).drawWrites(20).reduce((sum, one) => sum + one, 0);
    expect(writes).toBeGreaterThan(KEYS * 0.17);
    expect(writes).toBeLessThan(KEYS * 0.23);
  });

  it('finds out what has not been stored as it was to be', () => {
    const draws = new Draws(KEYS);
    const store = new Map(
      [...draws.inOrder(KEYS)].flat().map(({ key, value }) => [key.toString(), value]),
    );
    draws.verify((key) => store.get(key.toString()));
    store.set(keyText(draws.records[7]!), Buffer.alloc(100));
    expect(() => draws.verify((key) => store.get(key.toString()))).toThrow('as it was written');
    store.clear();
    expect(() => draws.verify((key) => store.get(key.toString()))).toThrow('as it was written');
  });
});
