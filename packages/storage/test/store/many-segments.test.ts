import { readdirSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';

const openFiles = async () => (await readdir('/proc/self/fd')).length;

it.runIf(process.platform === 'linux')(
  'hundreds of segments take a bounded number of file descriptors, and give them back',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'dle-many-'));
    const before = await openFiles();
    try {
      for (let round = 0; round < 2; round++) {
        const store = await LogStore.open(directory, {
          segmentSize: 4_096,
          durability: 'none',
          compaction: { automatic: false },
        });
        for (let i = 0; i < 200; i++) await store.put(`${round} ${i}`, 'x'.repeat(3_500));
        for (let i = 0; i < 200; i++) {
          expect(store.getSync(`${round} ${(i * 77) % 200}`)?.length).toBe(3_500);
        }
        const values = await store.getMany(Array.from({ length: 200 }, (_, i) => `0 ${i}`));
        expect(values.every((value) => value?.length === 3_500)).toBe(true);
        expect(store.stats().segments).toBeGreaterThanOrEqual(200 * (round + 1));
        expect((await openFiles()) - before).toBeLessThan(150);
        await store.close();
        expect((await openFiles()) - before).toBeLessThan(5);
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);

it.runIf(process.platform === 'linux')(
  'so does rewriting all of them at once, and scanning them',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'dle-many-'));
    const before = await openFiles();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, readdirSync('/proc/self/fd').length - before);
    }, 1);
    try {
      const store = await LogStore.open(directory, {
        segmentSize: 4_096,
        durability: 'none',
        compaction: { automatic: false },
      });
      for (let i = 0; i < 600; i++) await store.put(`key ${i % 400}`, `${i}`.padEnd(3_500, 'x'));
      expect(await store.keys().all()).toHaveLength(400);
      await store.compact();
      expect(store.stats().compaction).toMatchObject({ jobs: 1, dropped: 200 });
      for (let i = 0; i < 400; i++) {
        expect(Buffer.from(store.getSync(`key ${i}`)!).toString()).toMatch(
          new RegExp(`^${i < 200 ? i + 400 : i}x`),
        );
      }
      await store.close();
    } finally {
      clearInterval(watch);
      await rm(directory, { recursive: true });
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(400);
  },
);
