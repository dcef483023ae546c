import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPairs } from '@dle/client/protocol';
import { SeededRandom, systemClock } from '@dle/common';
import { LogStore } from '@dle/storage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DumpCursors } from '../src/api/dump-cursors.js';

let directory: string;
let store: LogStore;
let cursors: DumpCursors;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dle-dump-'));
  store = await LogStore.open(directory);
  cursors = new DumpCursors({ store, clock: systemClock, random: new SeededRandom(1) });
});

afterEach(async () => {
  cursors.closeAll();
  await store.close();
  rmSync(directory, { recursive: true });
});

it('fills pages up to what was asked for, or with one larger pair, and leaves nothing out', async () => {
  const lengths = [0, 10, 900, 5_000, 20, 200_000, 30, 999, 70_000, 0];
  await Promise.all(lengths.map((length, i) => store.put(`k${i}`, 'x'.repeat(length))));
  const maxBytes = 1_000;
  const seen = new Map<string, number>();
  let page = cursors.first(maxBytes);
  for (;;) {
    expect(page.pairs.length <= maxBytes || page.count === 1).toBe(true);
    for (const { key, value } of readPairs(page.pairs)) {
      seen.set(Buffer.from(key).toString(), value.length);
    }
    if (page.cursor === undefined) break;
    page = cursors.next(page.cursor, maxBytes);
  }
  expect(seen).toEqual(new Map(lengths.map((length, i) => [`k${i}`, length])));
});

it('knows no page twice, and none of a dump that was released', async () => {
  await Promise.all([1, 2, 3].map((i) => store.put(`k${i}`, 'x'.repeat(100))));
  const { cursor } = cursors.first(100);
  const second = cursors.next(cursor!, 100);
  const lost = expect.objectContaining({ code: 'DLE_CURSOR_LOST' });
  expect(() => cursors.next(cursor!, 100)).toThrow(lost);
  cursors.release(second.cursor!);
  expect(() => cursors.next(second.cursor!, 100)).toThrow(lost);
});
