import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore, nativeStatus } from '../../src/index.js';
import { Child } from '../support/child.js';

const WORKER = new URL('../support/store-worker.mjs', import.meta.url);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-threads-'));
});

afterEach(() => rm(directory, { recursive: true }));

/** A worker thread at work on the store in `place`, and what it first said. */
async function startWorker(place: string): Promise<{ worker: Worker; said: object }> {
  const worker = new Worker(WORKER, { workerData: place });
  const [said] = await once(worker, 'message');
  return { worker, said };
}

async function expectIntact(place: string): Promise<void> {
  const store = await LogStore.open(place, { segmentSize: 65_536 });
  expect(Buffer.from(store.getSync('key 0')!).toString()).toMatch(/^value \d+ \.+$/);
  await store.close();
}

describe('stores in worker threads', () => {
  it('are torn from their work and opened again, by others and by this thread', async () => {
    const places = [1, 2, 3, 4].map((n) => join(directory, `${n}`));
    for (let round = 0; round < 3; round++) {
      const started = await Promise.all(places.map(startWorker));
      for (const { said } of started) expect(said).toEqual({ native: nativeStatus().loaded });
      await Promise.all(started.map(({ worker }) => worker.terminate()));
    }
    for (const place of places) await expectIntact(place);
  });

  it('keep this thread out, and each other, and this thread them', async () => {
    const { worker } = await startWorker(directory);
    const refused = { code: 'DLE_LOCKED', message: expect.stringContaining(`${process.pid} on`) };
    await expect(LogStore.open(directory)).rejects.toMatchObject(refused);
    expect((await startWorker(directory)).said).toEqual(refused);
    await worker.terminate();

    const store = await LogStore.open(directory);
    expect((await startWorker(directory)).said).toEqual(refused);
    await store.close();
  });

  it('end with a process that exits in their midst', async () => {
    const child = await Child.start('exiting.mjs', directory);
    expect(await child.ends()).toBe(7);
    for (const name of ['1', '2']) await expectIntact(join(directory, name));
    const store = await LogStore.open(join(directory, 'main'));
    expect(store.getSync('key')).toBeDefined();
    await store.close();
  });
});
