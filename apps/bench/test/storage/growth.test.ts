import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogStore } from '@dle/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Draws } from '../../src/storage/draws.js';
import { Growth } from '../../src/storage/growth.js';
import { keyText } from '../../src/workload.js';

let directory: string;
let store: LogStore;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dle-bench-test-'));
  store = await LogStore.open(directory);
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const NO_LIMIT = { maxMs: Number.POSITIVE_INFINITY, rate: Number.POSITIVE_INFINITY };

describe('growing a store', () => {
  it('puts each key once, with its value, although it uses the memory of keys again', async () => {
    const draws = new Draws(1);
    let turns = 0;
    const grown = await new Growth(store, draws).run({
      keys: 2_050,
      ...NO_LIMIT,
      onTurn: () => turns++,
    });
    expect(grown.keys).toBe(2_050);
    expect(store.stats().keys).toBe(2_050);
    expect(turns).toBeGreaterThan(0);
    for (let at = 0; at < 2_050; at++) {
      expect(Buffer.compare(store.getSync(keyText(at))!, draws.value(at))).toBe(0);
    }
  });

  it('is no faster than it is told', async () => {
    const limits = { keys: 500, maxMs: Number.POSITIVE_INFINITY, rate: 5_000, onTurn: () => {} };
    const { elapsedMs } = await new Growth(store, new Draws(1)).run(limits);
    expect(elapsedMs).toBeGreaterThan(75);
  });

  it('ends when its time is over', async () => {
    const limits = { keys: 1e9, maxMs: 30, rate: Number.POSITIVE_INFINITY, onTurn: () => {} };
    const { keys } = await new Growth(store, new Draws(1)).run(limits);
    expect(keys).toBe(store.stats().keys);
    expect(keys).toBeGreaterThan(0);
  });
});
