import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Child } from '../support/child.js';
import { expectReads } from '../support/read-forms.js';

const WORKER = new URL('../support/reading-worker.mjs', import.meta.url);
const contentOf = (key: number) => Buffer.alloc(key * 30, `value ${key} `);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-readers-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function expectWhole(place: string): Promise<void> {
  const store = await LogStore.open(place);
  for (let key = 0; key < 150; key += 7) {
    await expectReads(store, Buffer.from(`${key}`), contentOf(key));
  }
  await store.close();
}

describe('threads that hold views', () => {
  it('are terminated in the midst of reading, while others read on', async () => {
    const places = [1, 2, 3].map((n) => join(directory, `${n}`));
    for (let round = 0; round < 3; round++) {
      const workers = places.map((place) => new Worker(WORKER, { workerData: place }));
      for (const [said] of await Promise.all(workers.map((worker) => once(worker, 'message')))) {
        expect(said).toBe('reading');
      }
      // One after the other: those that are left read while the maps of another go.
      for (const worker of workers) await worker.terminate();
    }
    for (const place of places) await expectWhole(place);
  });

  it.each([
    ['exit', 7],
    ['throw', 1],
    ['end', 0],
  ])('end with their process: %s', async (how, code) => {
    const child = await Child.start('exiting-with-views.mjs', directory, how);
    expect(child.lines).toEqual(['reading,reading']);
    expect(await child.ends()).toBe(code);
    for (const name of ['1', '2']) await expectWhole(join(directory, name));
    const store = await LogStore.open(join(directory, 'main'));
    await expectReads(store, Buffer.from('key'), Buffer.from('value'.repeat(1_000)));
    await store.close();
  });
});
