import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { OPTIONS } from '../support/compacting.js';
import { History } from '../support/damaged.js';
import { pairsOf } from '../support/pairs.js';

let root = '';
let history: History;
const place = (name: string): string => join(root, name);

/** A store, and a backup of it. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dle-restore-'));
  history = new History();
  const store = await LogStore.open(place('store'), OPTIONS);
  await history.write(store, 400);
  await store.compact();
  await history.write(store, 400);
  await store.verify();
  await store.backup(place('backup'));
  await store.close();
});
afterEach(() => rm(root, { recursive: true }));

async function contentOf(name: string): Promise<Map<string, string>> {
  const store = await LogStore.open(place(name), OPTIONS);
  try {
    expect((await store.verify()).damage).toEqual([]);
    return await pairsOf(store);
  } finally {
    await store.close();
  }
}

async function flip(name: string, at: number): Promise<void> {
  const path = join(place('backup'), name);
  const bytes = await readFile(path);
  bytes[at]! ^= 1;
  await writeFile(path, bytes);
}

async function firstOf(kind: string): Promise<string> {
  const names = await readdir(place('backup'));
  return names.filter((name) => name.endsWith(kind)).sort()[0]!;
}

describe('a restore', () => {
  it('makes a store of a backup, which shares nothing with it', async () => {
    const steps: number[] = [];
    const report = await LogStore.restore(place('backup'), place('restored'), {
      onProgress: ({ doneBytes, totalBytes }) => steps.push(doneBytes / totalBytes),
    });
    expect(steps.at(-1)).toBe(1);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(report.records).toBeGreaterThan(400);
    const names = (await readdir(place('restored'))).sort();
    expect(names).toHaveLength(report.files);
    expect(names).toEqual((await readdir(place('backup'))).sort());
    for (const name of names) {
      const [mine, its] = await Promise.all(
        ['restored', 'backup'].map((directory) => stat(join(place(directory), name))),
      );
      expect(mine!.ino).not.toBe(its!.ino);
    }
    expect(await contentOf('restored')).toEqual(history.values);
  });

  it('refuses a backup that is damaged, unfinished or none', async () => {
    await writeFile(join(place('backup'), 'backup.unfinished'), '{}');
    await expect(LogStore.restore(place('backup'), place('restored'))).rejects.toThrow(
      /unfinished backup/,
    );
    await mkdir(place('begun'));
    await rename(
      join(place('backup'), 'backup.unfinished'),
      join(place('begun'), 'backup.unfinished'),
    );
    await expect(LogStore.restore(place('begun'), place('restored'))).rejects.toThrow(
      /unfinished backup: run the backup again/,
    );
    await expect(LogStore.restore(place('nothing'), place('restored'))).rejects.toThrow(
      /holds no backup/,
    );
    for (const kind of ['.segment', '.sorted', 'manifest']) {
      const name = await firstOf(kind);
      await flip(name, 150);
      const restoring = LogStore.restore(place('backup'), place('restored'));
      await expect(restoring).rejects.toMatchObject({ code: 'DLE_CORRUPT' });
      await expect(restoring).rejects.toThrow(name);
      await flip(name, 150);
    }
    const names = await readdir(place('backup'));
    const last = names
      .filter((name) => name.endsWith('.segment'))
      .sort()
      .at(-1)!;
    const path = join(place('backup'), last);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 64));
    await expect(LogStore.restore(place('backup'), place('restored'))).rejects.toThrow(
      /has lost its end/,
    );
    await writeFile(path, bytes);
    await LogStore.restore(place('backup'), place('restored'));
    expect(await contentOf('restored')).toEqual(history.values);
  });

  it('leaves out a key directory that is damaged: it is made again', async () => {
    const name = await firstOf('.directory');
    await flip(name, 300);
    await LogStore.restore(place('backup'), place('restored'));
    expect(await readdir(place('restored'))).not.toContain(name);
    expect(await contentOf('restored')).toEqual(history.values);
    expect(await readdir(place('restored'))).toContain(name);
  });

  it('refuses a directory in which there is anything, and goes on where it was ended', async () => {
    const restoring = LogStore.restore(place('backup'), place('store'));
    await expect(restoring).rejects.toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    await expect(restoring).rejects.toThrow(/is in the way/);
    await expect(LogStore.restore(place('backup'), place('backup'))).rejects.toThrow(/itself/);
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = (): void => controller.abort(new Error('enough'));
    await expect(
      LogStore.restore(place('backup'), place('restored'), { signal, onProgress }),
    ).rejects.toThrow('enough');
    await expect(LogStore.open(place('restored'), OPTIONS)).rejects.toThrow(/unfinished restore/);
    await LogStore.restore(place('backup'), place('restored'));
    expect(await contentOf('restored')).toEqual(history.values);
    expect(await contentOf('store')).toEqual(history.values);
  });
});
