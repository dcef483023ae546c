import { DleError } from '@dle/common';
import { describe, expect, it } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { OPTIONS } from '../support/compacting.js';
import { Machine } from '../support/logs.js';
import { openStore, textOf } from '../support/stores.js';

const KEYS = 60;

/** Writes all keys several times over; returns the last value of each. */
async function overwrite(store: LogStore): Promise<string> {
  const values = ['first', 'second', 'last'].map((text) => text.padEnd(100, '.'));
  for (const value of values) {
    await Promise.all(Array.from({ length: KEYS }, (_, n) => store.put(`key ${n}`, value)));
  }
  await store.flush();
  return values.at(-1)!;
}

function expectAll(store: LogStore, value: string): void {
  expect(store.stats().keys).toBe(KEYS);
  for (let n = 0; n < KEYS; n++) expect(textOf(store.getSync(`key ${n}`))).toBe(value);
}

/** The process is killed when a manifest has its name, but not yet for good; what it had written. */
async function killBehindRename(machine: Machine): Promise<string> {
  const { vfs } = machine;
  const rename = vfs.rename.bind(vfs);
  // The first manifest of all names nothing.
  let manifests = 0;
  vfs.rename = async (from, to) => {
    await rename(from, to);
    if (to.endsWith('manifest') && ++manifests === 2) vfs.kill();
  };
  const store = await openStore(machine, OPTIONS);
  const value = await overwrite(store);
  await expect(store.compact()).rejects.toMatchObject({ code: 'DLE_IO' });
  vfs.rename = rename;
  vfs.restart();
  return value;
}

describe('a start after a compaction', () => {
  it('removes nothing before the manifest is durable that it has found', async () => {
    for (let operation = 1, isOpened = false; !isOpened; operation++) {
      const machine = new Machine(operation);
      const value = await killBehindRename(machine);
      machine.vfs.plan({ crashAtOperation: operation });
      isOpened = await openStore(machine, OPTIONS).then(
        () => true,
        () => false,
      );
      machine.vfs.restart();
      const store = await openStore(machine, OPTIONS);
      expectAll(store, value);
      await store.close();
    }
  });

  it('counts sorted segments among those there are', async () => {
    const machine = new Machine();
    const store = await openStore(machine, OPTIONS);
    await overwrite(store);
    await store.compact();
    await store.close();
    const again = await openStore(machine, OPTIONS);
    const { segments, bytes } = again.stats();
    const paths = machine.vfs.paths.filter((path) => /\.(?:segment|sorted)$/.test(path));
    expect(segments).toBe(paths.length);
    expect(bytes).toBe(paths.reduce((sum, path) => sum + machine.vfs.sizeOf(path), 0));
    await again.close();
  });
});

describe('compact', () => {
  /** What is not in the log's last segment is sorted, and counts. */
  function expectTidy({ sortedRuns, bytes, liveBytes }: ReturnType<LogStore['stats']>): void {
    expect(sortedRuns).toBe(1);
    expect(bytes).toBeLessThan(liveBytes + 2 * 4_096);
  }

  it('after an unclean stop takes in what was written last, too', async () => {
    const machine = new Machine();
    const value = await overwrite(await openStore(machine, OPTIONS));
    machine.vfs.restart();
    const store = await openStore(machine, OPTIONS);
    await store.compact();
    expectAll(store, value);
    expectTidy(store.stats());
    await store.close();
  });

  it('takes in what has just been left, and is not sealed yet', async () => {
    const machine = new Machine();
    const value = await overwrite(await openStore(machine, OPTIONS));
    machine.vfs.restart();
    const store = await openStore(machine, { ...OPTIONS, idleFlushMs: 10 });
    // The directories that the crash has lost are there again; an idle frame begins a segment.
    await store.verify();
    machine.clock.pass(10);
    expect(store.log.flushed).toBeLessThan(store.log.accepted);
    await store.compact();
    expectAll(store, value);
    expect(await machine.segments()).toHaveLength(1);
    await store.close();
  });

  it('comes to its end while segments are sealed all the time', async () => {
    const machine = new Machine();
    const store = await openStore(machine, OPTIONS);
    const value = await overwrite(store);
    let isDone = false;
    const compacting = store.compact().then(() => {
      isDone = true;
    });
    for (let n = 0; n < 300 && !isDone; n++) await store.put('other', new Uint8Array(3_500));
    expect(isDone).toBe(true);
    await compacting;
    await store.del('other');
    expectAll(store, value);
    await store.close();
  });

  it('makes the key directories first for which there was no room', async () => {
    const machine = new Machine();
    const { vfs } = machine;
    const store = await openStore(machine, OPTIONS);
    const create = vfs.createSync.bind(vfs);
    vfs.createSync = (path) => {
      if (path.includes('directory')) throw new DleError('DLE_DISK_FULL', 'no room');
      return create(path);
    };
    const value = await overwrite(store);
    await store.compact();
    expect(store.stats()).toMatchObject({ sortedRuns: 0, directories: { built: 0 } });
    vfs.createSync = create;
    await store.compact();
    expectAll(store, value);
    expectTidy(store.stats());
    await store.close();
  });

  it('is not ended by the signal of another call', async () => {
    const machine = new Machine();
    const store = await openStore(machine, OPTIONS);
    const value = await overwrite(store);
    const controllers = [new AbortController(), new AbortController()];
    const calls = controllers.map(({ signal }, place) =>
      store.compact({ signal, onProgress: () => controllers[1 - place]!.abort() }),
    );
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expectTidy(store.stats());
    expectAll(store, value);
    await store.close();
  });
});
