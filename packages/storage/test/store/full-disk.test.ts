import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { Child } from '../support/child.js';
import { expectReads } from '../support/read-forms.js';
import { SmallDisk } from '../support/small-disk.js';

const MEBIBYTES = 3;
const OPTIONS = { segmentSize: 65_536 };
const FULL = expect.objectContaining({ code: 'DLE_DISK_FULL', retryable: true, effect: 'none' });

const probe = SmallDisk.mount(1);
probe?.unmount();
if (probe === undefined) console.log('Full disks are not tried: only root can mount a small one');

let disk: SmallDisk;
let directory: string;

beforeEach(() => {
  if (probe === undefined) return;
  disk = SmallDisk.mount(MEBIBYTES)!;
  directory = join(disk.directory, 'store');
});

afterEach(() => {
  if (probe !== undefined) disk.unmount();
});

const keyOf = (n: number) => Buffer.from(`key ${n}`);
const contentOf = (n: number) => Buffer.from(`value ${n} `.padEnd(n % 3_000, '.'));

/** Writes until there is no room for the next key, which it returns. */
async function fill(store: LogStore): Promise<number> {
  for (let n = store.stats().keys; ; n++) {
    try {
      await store.put(keyOf(n), contentOf(n));
    } catch (thrown) {
      expect(thrown).toEqual(FULL);
      return n;
    }
  }
}

async function expectAll(store: LogStore, count: number): Promise<void> {
  expect(store.stats().keys).toBe(count);
  for (let n = 0; n < count; n++) await expectReads(store, keyOf(n), contentOf(n));
}

describe.runIf(probe)('a store on a full disk', () => {
  it('says so, reads on, and goes on when there is room', async () => {
    const store = await LogStore.open(directory, OPTIONS);
    const count = await fill(store);
    expect(count).toBeGreaterThan(500);
    await expectAll(store, count);
    // What is refused has no effect, and is refused again.
    for (let times = 0; times < 3; times++) {
      await expect(store.put('large', new Uint8Array(100_000))).rejects.toEqual(FULL);
      await expect(store.put(keyOf(0), new Uint8Array(100_000))).rejects.toEqual(FULL);
    }
    await expectAll(store, count);
    expect(store.stats().poisoned).toBe(false);
    await store.flush();

    disk.resize(2 * MEBIBYTES);
    await store.put('large', new Uint8Array(100_000));
    await store.del('large');
    await expectAll(store, count);
    expect((await store.verify()).damage).toEqual([]);
    await store.close();
    await using again = await LogStore.open(directory, OPTIONS);
    await expectAll(again, count);
  });

  it('takes small writes and deletes while they fit, and each as a whole', async () => {
    const store = await LogStore.open(directory, OPTIONS);
    const count = await fill(store);
    disk.fill();
    const model = new Map<number, Buffer | undefined>();
    let refused = 0;
    for (let n = 0; refused < 3; n++) {
      try {
        if (n % 2 === 0) await store.del(keyOf(n));
        else await store.put(keyOf(n), 'small');
        model.set(n, n % 2 === 0 ? undefined : Buffer.from('small'));
      } catch (thrown) {
        expect(thrown).toEqual(FULL);
        refused++;
      }
    }
    const check = async (opened: LogStore): Promise<void> => {
      for (let n = 0; n < count; n++) {
        await expectReads(opened, keyOf(n), model.has(n) ? model.get(n) : contentOf(n));
      }
    };
    await check(store);
    await store.close();
    await using again = await LogStore.open(directory, OPTIONS);
    await check(again);
  });

  it('wins space back from deletes, with nobody helping', async () => {
    const store = await LogStore.open(directory, OPTIONS);
    const count = await fill(store);
    const deleteRetrying = async (key: Uint8Array): Promise<void> => {
      for (;;) {
        try {
          return await store.del(key);
        } catch (thrown) {
          // There was no room for a moment: what there is was needed to win back more.
          expect(thrown).toEqual(FULL);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    };
    for (let n = 0; n < count; n += 2) await deleteRetrying(keyOf(n));
    const putRetrying = async (n: number): Promise<void> => {
      for (;;) {
        try {
          return await store.put(keyOf(n), contentOf(n));
        } catch (thrown) {
          expect(thrown).toEqual(FULL);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
    };
    for (let n = 0; n < count / 2; n += 2) await putRetrying(n);
    expect(store.stats().compaction.bytesFreed).toBeGreaterThan(MEBIBYTES * 100_000);
    const check = async (opened: LogStore): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const isThere = n % 2 === 1 || n < count / 2;
        await expectReads(opened, keyOf(n), isThere ? contentOf(n) : undefined);
      }
    };
    await check(store);
    await store.close();
    await using again = await LogStore.open(directory, OPTIONS);
    await check(again);
    expect((await again.verify()).damage).toEqual([]);
  });

  it('is opened on it after it was closed, and after its process was killed', async () => {
    const child = await Child.start('disk-filler.mjs', directory);
    const [said] = child.lines;
    await child.kill();
    expect(said).toMatch(/^\d+ DLE_DISK_FULL true none$/);
    disk.fill();
    const count = Number.parseInt(said!, 10);
    // The first finds a process that was killed, the second a log that could not be closed cleanly.
    for (let times = 0; times < 2; times++) {
      const store = await LogStore.open(directory, OPTIONS);
      await expectAll(store, count);
      await expect(store.put('large', new Uint8Array(100_000))).rejects.toEqual(FULL);
      await store.close();
    }
    disk.resize(2 * MEBIBYTES);
    await using store = await LogStore.open(directory, OPTIONS);
    await expectAll(store, count);
    await store.put(keyOf(count), contentOf(count));
    await expectAll(store, count + 1);
  });

  it('goes without key directories that have no room, and makes them when there is some', async () => {
    const store = await LogStore.open(directory, OPTIONS);
    const count = await fill(store);
    await store.close();
    const names = readdirSync(directory).filter((name) => name.endsWith('.directory'));
    expect(names.length).toBeGreaterThan(5);
    for (const name of names.slice(0, 3)) rmSync(join(directory, name));
    disk.fill();

    const without = await LogStore.open(directory, OPTIONS);
    await expectAll(without, count);
    expect((await without.verify()).damage).toEqual([]);
    expect(without.stats().directories.failed).toBeGreaterThanOrEqual(3);
    await without.close();
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    disk.resize(2 * MEBIBYTES);
    const healed = await LogStore.open(directory, OPTIONS);
    await healed.verify();
    expect(healed.stats().directories).toMatchObject({ damaged: 0, failed: 0 });
    expect(healed.stats().directories.built).toBeGreaterThanOrEqual(3);
    await healed.close();
    await using last = await LogStore.open(directory, OPTIONS);
    expect(last.stats().directories.loaded).toBeGreaterThanOrEqual(names.length);
    await expectAll(last, count);
  });
});
