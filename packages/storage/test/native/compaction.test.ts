import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, randomBelow, SeededRandom } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogStore, nativeStatus } from '../../src/index.js';
import { bothWays } from '../support/both-ways.js';

const OPTIONS = {
  segmentSize: 64 * 1024,
  durability: 'none',
  compaction: { automatic: false },
} as const;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-compaction-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** Small values and large ones, some larger than what is read at a time; keys come again and go. */
async function write(store: LogStore, seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const below = (limit: number) => randomBelow(random, limit);
  for (let n = 0; n < 700; n++) {
    const key = `key ${below(200)}`.padEnd(below(20) === 0 ? 4_000 : 9, '.');
    const length = below(100) === 0 ? 1_400_000 : below(900);
    if (below(6) === 0) await store.del(key);
    else await store.put(key, new Uint8Array(length).fill(n % 251));
  }
}

/** All keys, and checksums of their values. */
async function contentOf(store: LogStore): Promise<string[]> {
  const pairs = await store.iterator().all();
  return pairs.map(([key, value]) => `${Buffer.from(key)} ${value.length} ${crc32(value)}`);
}

/** Compacted once, written to again, and compacted into one with what was sorted before. */
async function fill(store: LogStore): Promise<void> {
  await write(store, 1);
  await store.compact();
  await write(store, 2);
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, at);
  byte[0]! ^= 4;
  await file.write(byte, 0, 1, at);
  await file.close();
}

describe.runIf(nativeStatus().loaded)('a compaction that reads in C', () => {
  it('keeps what the one in TypeScript keeps', async () => {
    const seen: unknown[] = [];
    for (const { name, open } of await bothWays()) {
      const store = await open(join(directory, name), OPTIONS);
      await fill(store);
      const before = await contentOf(store);
      await store.compact();
      expect(await contentOf(store)).toEqual(before);
      expect((await store.verify()).damage).toEqual([]);
      const { dropped, bytesWritten } = store.stats().compaction;
      seen.push({ before, dropped, bytesWritten, liveBytes: store.stats().liveBytes });
      await store.close();
    }
    expect(seen[0]).toEqual(seen[1]);
  });

  it.each([
    ['segment', 64 + 64 + 70],
    ['segment', 64 + 64 + 5],
    ['sorted', 64 + 70],
    ['sorted', 64 + 20],
  ])('stops at what is damaged, as the one in TypeScript: a %s at %i', async (kind, at) => {
    const seen: string[] = [];
    for (const { name, open } of await bothWays()) {
      const place = join(directory, name);
      const store = await open(place, OPTIONS);
      await fill(store);
      const names = (await readdir(place)).filter((each) => each.endsWith(kind)).sort();
      // What the active one holds is read to seal it; of what is harmed, something counts.
      for (const each of names.slice(0, -1)) {
        for (let block = 0; block < 12; block++) await flip(join(place, each), at + block * 4_096);
      }
      const thrown = await store.compact().catch((error: Error) => error);
      seen.push(String(thrown).replace(place, ''));
      await store.close();
    }
    expect(seen[0]).toMatch(/DLE_CORRUPT|at byte/);
    expect(seen[0]).toBe(seen[1]);
  });
});
