import { statSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isDleError } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { LogStore, type LogStoreOptions } from '../../src/index.js';
import { NodeVfs } from '../../src/vfs/node-vfs.js';
import { OPTIONS } from '../support/compacting.js';
import { DIRECTORY, Machine } from '../support/logs.js';
import { pairsOf } from '../support/pairs.js';

/** In memory, where it is not the disk of the tests itself. */
const OTHER_DISK = ['/dev/shm'].find(
  (path) => statSync(path, { throwIfNoEntry: false })?.dev !== statSync(tmpdir()).dev,
);

/** A disk on which a file has one name. */
class DiskWithoutLinks extends NodeVfs {
  override async link(): Promise<boolean> {
    return false;
  }
}

let root = '';
let model: Map<string, string>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dle-backup-'));
  model = new Map();
});
afterEach(() => rm(root, { recursive: true }));

const place = (name: string): string => join(root, name);

function open(
  name: string,
  options: LogStoreOptions = {},
  components: { vfs?: NodeVfs } = {},
): Promise<LogStore> {
  const quiet = { ...OPTIONS, idleFlushMs: 60_000 };
  return LogStore.open(place(name), { ...quiet, ...options }, components);
}

/** Writes `from` to `to`, each of them once acknowledged in the model. */
async function write(store: LogStore, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const key = `key ${(n * 7_919) % 211}`;
    if (n % 5 === 4) {
      await store.del(key);
      model.delete(key);
    } else {
      const value = `${n}`.padEnd(60 + (n % 90), '.');
      await store.put(key, value);
      model.set(key, value);
    }
  }
}

/** Opens it as it is, and looks at every byte. */
async function contentOf(name: string): Promise<Map<string, string>> {
  const store = await open(name);
  try {
    expect((await store.verify()).damage).toEqual([]);
    return await pairsOf(store);
  } finally {
    await store.close();
  }
}

describe('a backup', () => {
  it('is the store as it was, made while it is written to and compacted', async () => {
    const store = await open('store');
    await write(store, 0, 900);
    const compacting = store.compact();
    for (let round = 0; round < 6; round++) {
      const expected = new Map(model);
      const index = store.appliedIndex;
      const making = store.backup(place(`backup ${round}`));
      await write(store, 900 + round * 200, 1_100 + round * 200);
      if (round === 2) await compacting;
      if (round > 2) await store.compact();
      const report = await making;
      expect(report.index).toBe(index);
      expect(report.keptFiles).toBe(0);
      expect(report.linkedFiles).toBeGreaterThan(1);
      expect(await contentOf(`backup ${round}`)).toEqual(expected);
    }
    await store.close();
  });

  it('shares the files that nobody writes to, and keeps them the next time', async () => {
    const store = await open('store');
    await write(store, 0, 400);
    await store.compact();
    await write(store, 400, 800);
    // Key directories are made meanwhile.
    await store.verify();
    const first = await store.backup(place('backup'));
    const { linkedFiles, copiedFiles, files } = first;
    expect(linkedFiles + copiedFiles).toBe(files);
    // The segment that is being written to, and the manifest.
    expect(copiedFiles).toBe(2);
    const names = await new NodeVfs().list(place('backup'));
    expect(names).toHaveLength(files);
    const shared = await Promise.all(
      names.map(async (name) => {
        const [mine, its] = await Promise.all([
          stat(join(place('store'), name)),
          stat(join(place('backup'), name)),
        ]);
        return mine.ino === its.ino;
      }),
    );
    expect(shared.filter(Boolean)).toHaveLength(linkedFiles);
    const again = await store.backup(place('backup'));
    expect(again).toMatchObject({ files, linkedFiles: 0, copiedFiles: 0, keptFiles: files });
    await write(store, 800, 1_000);
    const expected = new Map(model);
    const third = await store.backup(place('backup'));
    expect(third.keptFiles).toBeGreaterThan(5);
    expect(third.linkedFiles).toBeGreaterThan(1);
    await store.compact();
    expect(await contentOf('backup')).toEqual(expected);
    // It has been opened, and has files of its own now: they go.
    const last = await store.backup(place('backup'));
    expect(await new NodeVfs().list(place('backup'))).toHaveLength(last.files);
    await store.close();
    expect(await contentOf('backup')).toEqual(model);
    expect(await contentOf('store')).toEqual(model);
  });

  it('is a copy where files cannot be shared', async () => {
    const store = await open('store', {}, { vfs: new DiskWithoutLinks() });
    await write(store, 0, 600);
    await store.verify();
    const first = await store.backup(place('backup'));
    expect(first).toMatchObject({ linkedFiles: 0, keptFiles: 0, copiedFiles: first.files });
    const again = await store.backup(place('backup'));
    expect(again).toMatchObject({ copiedFiles: 0, keptFiles: first.files });
    await store.close();
    expect(await contentOf('backup')).toEqual(model);
  });

  it.skipIf(OTHER_DISK === undefined)('is a copy on another disk', async () => {
    const other = await mkdtemp(join(OTHER_DISK!, 'dle-backup-'));
    onTestFinished(() => rm(other, { recursive: true }));
    const backup = join(other, 'backup');
    const store = await open('store');
    await write(store, 0, 600);
    await store.compact();
    await write(store, 600, 900);
    await store.verify();
    const first = await store.backup(backup);
    expect(first).toMatchObject({ linkedFiles: 0, keptFiles: 0, copiedFiles: first.files });
    const names = await new NodeVfs().list(backup);
    expect(names).toHaveLength(first.files);
    // Nothing but the segment that is written to, and the manifest, is copied the next time.
    await write(store, 900, 910);
    const again = await store.backup(backup);
    expect(again.linkedFiles).toBe(0);
    expect(again.keptFiles).toBeGreaterThan(first.files - 4);
    await store.close();
    await LogStore.restore(backup, place('restored'));
    expect(await contentOf('restored')).toEqual(model);
  });

  it('goes on when there is room again, on a disk that is full at any step', async () => {
    const machine = new Machine();
    const options = { ...OPTIONS, idleFlushMs: 60_000 };
    const store = await LogStore.open(DIRECTORY, options, machine);
    await write(store, 0, 60);
    await store.compact();
    await write(store, 60, 120);
    await store.verify();
    machine.vfs.link = async () => false;
    let refused = 0;
    for (let room = 0; ; room += 500) {
      machine.vfs.capacityBytes = machine.vfs.usedBytes + room;
      const made = await store.backup('/backup').catch((thrown: unknown) => thrown);
      machine.vfs.capacityBytes = Number.POSITIVE_INFINITY;
      await write(store, 120 + room, 121 + room);
      if (!isDleError(made, 'DLE_DISK_FULL')) {
        expect(made).toMatchObject({ linkedFiles: 0 });
        break;
      }
      refused++;
      // There was no room for anything.
      if ((await machine.vfs.list('/backup')).length === 0) continue;
      await expect(LogStore.open('/backup', options, machine)).rejects.toThrow(/unfinished backup/);
    }
    expect(refused).toBeGreaterThan(2);
    await store.backup('/backup');
    await store.close();
    const copy = await LogStore.open('/backup', options, machine);
    expect((await copy.verify()).damage).toEqual([]);
    expect(await pairsOf(copy)).toEqual(model);
    await copy.close();
  });

  it('is whole where a key directory is missing amid others', async () => {
    const machine = new Machine();
    const options = { ...OPTIONS, idleFlushMs: 60_000 };
    const store = await LogStore.open(DIRECTORY, options, machine);
    await write(store, 0, 100);
    await store.verify();
    await store.close();
    const segments = (await machine.segments()).map((path) => basename(path, '.segment'));
    expect(segments.length).toBeGreaterThan(4);
    for (const missing of [[0], [1, 3], [0, 2, 3]]) {
      const names = missing.map((place) => `${segments[place]}.directory`);
      for (const name of names) machine.vfs.unlinkSync(join(DIRECTORY, name));
      machine.vfs.unwritable = (path) => names.some((name) => path.includes(name));
      const damaged = await LogStore.open(DIRECTORY, options, machine);
      expect((await damaged.verify()).damage).toEqual([]);
      await damaged.backup('/backup');
      machine.vfs.unwritable = undefined;
      await damaged.close();
      const copy = await LogStore.open('/backup', options, machine);
      expect(await pairsOf(copy)).toEqual(model);
      await copy.close();
      // They are made again.
      const whole = await LogStore.open(DIRECTORY, options, machine);
      await whole.verify();
      await whole.close();
    }
  });

  it('can be ended, is no store until it has been made to its end, and goes on then', async () => {
    const store = await open('store', {}, { vfs: new DiskWithoutLinks() });
    await write(store, 0, 900);
    const controller = new AbortController();
    const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) => {
      if (doneBytes > totalBytes / 2) controller.abort(new Error('enough'));
    };
    const { signal } = controller;
    const making = store.backup(place('backup'), { signal, onProgress });
    await expect(making).rejects.toThrow('enough');
    await expect(open('backup')).rejects.toThrow(/unfinished backup: run the backup again/);
    await expect(open('backup', { replicated: true })).rejects.toThrow(/unfinished backup/);
    const report = await store.backup(place('backup'));
    expect(report.keptFiles).toBeGreaterThan(5);
    expect(report.copiedFiles).toBeGreaterThan(5);
    await store.close();
    await expect(store.backup(place('backup'))).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    expect(await contentOf('backup')).toEqual(model);
  });

  it('ends when the store is closed', async () => {
    const store = await open('store', {}, { vfs: new DiskWithoutLinks() });
    await write(store, 0, 400);
    const making = store.backup(place('backup'));
    const outcome = expect(making).rejects.toMatchObject({ code: 'DLE_CLOSED' });
    await store.close();
    await outcome;
  });

  it('refuses a directory that holds something else, and names it', async () => {
    const store = await open('store');
    const other = await open('other');
    await write(store, 0, 50);
    await other.put('key', 'value');
    await expect(store.backup(place('store'))).rejects.toThrow(/of the store itself/);
    await expect(store.backup(place('other'))).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    await other.close();
    const refused = await store.backup(place('other')).catch((thrown: unknown) => thrown);
    expect(isDleError(refused, 'DLE_INVALID_ARGUMENT')).toBe(true);
    expect(`${refused}`).toContain('0000000000000001.segment belongs to store');
    await store.backup(place('backup'));
    await writeFile(join(place('backup'), 'letter'), 'dear');
    await expect(store.backup(place('backup'))).rejects.toThrow(/letter is no part of a backup/);
    await store.close();
    const again = await open('other');
    expect(await pairsOf(again)).toEqual(new Map([['key', 'value']]));
    await again.close();
    const replicated = await open('member', { replicated: true });
    await expect(replicated.backup(place('of it'))).rejects.toMatchObject({
      code: 'DLE_INVALID_ARGUMENT',
    });
    await replicated.close();
  });

  it('says so when its last writes have been damaged', async () => {
    const store = await open('store');
    await write(store, 0, 20);
    await store.backup(place('backup'));
    await store.close();
    const vfs = new NodeVfs();
    const names = await vfs.list(place('backup'));
    const last = names
      .filter((name) => name.endsWith('.segment'))
      .sort()
      .at(-1)!;
    const file = vfs.openSync(join(place('backup'), last));
    const at = file.size() - 100;
    const byte = new Uint8Array(1);
    file.readSync(byte, at);
    file.writeSync([Uint8Array.of(byte[0]! ^ 1)], at);
    await file.close();
    await expect(open('backup')).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
  });
});
