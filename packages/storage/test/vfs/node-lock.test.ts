import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeStatus } from '../../src/index.js';
import { NodeVfs } from '../../src/internal.js';
import { nativeBinding } from '../../src/native/native.js';
import { nativePath } from '../../src/native/native-path.js';
import { Child } from '../support/child.js';

let directory: string;
const vfs = new NodeVfs();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-lock-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const lockFile = () => join(directory, 'lock');

async function writeHolder(changes: object): Promise<void> {
  const lock = await vfs.lock(directory);
  const mine = JSON.parse(await readFile(lockFile(), 'utf8'));
  await lock.release();
  await writeFile(lockFile(), JSON.stringify({ ...mine, ...changes }));
}

async function expectLockable(): Promise<void> {
  const lock = await vfs.lock(directory);
  expect(JSON.parse(await readFile(lockFile(), 'utf8')).pid).toBe(process.pid);
  await lock.release();
  expect(await readdir(directory)).toEqual([]);
}

/** Without the addon and with it; the tests themselves run in both. */
const modes = existsSync(nativePath()) ? ['0', 'require'] : ['0'];

describe('the lock of a directory', () => {
  it.each(modes)(
    'keeps a process out whose DLE_NATIVE is another, held in mode %s',
    async (mode) => {
      const environment = { DLE_NATIVE: mode };
      const child = await Child.startIn(environment, 'holder.mjs', directory);
      const refused = {
        code: 'DLE_LOCKED',
        message: expect.stringContaining(`process ${child.pid} on ${hostname()}`),
      };
      await expect(vfs.lock(directory)).rejects.toMatchObject(refused);
      await child.kill();
      const lock = await vfs.lock(directory);
      await expect(vfs.lock(directory)).rejects.toMatchObject({ code: 'DLE_LOCKED' });
      const other = Child.startIn(environment, 'holder.mjs', directory);
      await expect(other).rejects.toThrow(`process ${process.pid} on`);
      await lock.release();
      await (await Child.startIn(environment, 'holder.mjs', directory)).kill();
    },
  );

  it.runIf(nativeStatus().loaded)('is one of the kernel, on the directory itself', async () => {
    const native = nativeBinding()!;
    const descriptor = openSync(directory, 'r');
    expect(native.lockFile(descriptor)).toBe(0);
    await expect(vfs.lock(directory)).rejects.toMatchObject({
      code: 'DLE_LOCKED',
      message: expect.stringContaining('in use by another process'),
    });
    expect(await readdir(directory)).toEqual([]);
    closeSync(descriptor);
    const lock = await vfs.lock(directory);
    const another = openSync(directory, 'r');
    expect(native.lockFile(another)).not.toBe(0);
    await lock.release();
    expect(native.lockFile(another)).toBe(0);
    closeSync(another);
    await expectLockable();
  });

  it('keeps another process out, names it, and is free when that is killed', async () => {
    const child = await Child.start('holder.mjs', directory);
    await expect(vfs.lock(directory)).rejects.toMatchObject({
      code: 'DLE_LOCKED',
      retryable: true,
      message: expect.stringContaining(`process ${child.pid} on ${hostname()}`),
    });
    await child.kill();
    const lock = await vfs.lock(directory);
    await expect(Child.start('holder.mjs', directory)).rejects.toThrow(
      new RegExp(`DLE_LOCKED|process ${process.pid} on`),
    );
    await lock.release();
  });

  it('is free once it was released, and leaves no file behind', async () => {
    await expectLockable();
    await expectLockable();
  });

  it('is taken over from a process that is gone, or from another boot, or whose pid another one has', async () => {
    // Above the highest pid that Linux gives.
    await writeHolder({ pid: 2 ** 22 + 1 });
    await expectLockable();
    await writeHolder({ pid: process.ppid, bootId: 'another' });
    await expectLockable();
    await writeHolder({ pid: process.ppid, startTime: '1' });
    await expectLockable();
  });

  it('is taken over from a file that says nothing', async () => {
    for (const content of ['', 'null', '{}', '{"pid":1', '{"pid":"x","host":"y"}']) {
      await writeFile(lockFile(), content);
      await expectLockable();
    }
  });

  it('is not taken from a process of another host, which cannot be asked', async () => {
    await writeHolder({ host: 'elsewhere' });
    await expect(vfs.lock(directory)).rejects.toMatchObject({
      code: 'DLE_LOCKED',
      message: expect.stringMatching(/on elsewhere; .*remove .*lock$/),
    });
    expect(JSON.parse(await readFile(lockFile(), 'utf8')).host).toBe('elsewhere');
  });

  it('holds by its file alone, where there is no socket to guard it', async () => {
    const child = await Child.start('holder.mjs', directory);
    // Another directory with the same file: its socket is free.
    const copy = await mkdtemp(join(tmpdir(), 'dle-lock-'));
    await writeFile(join(copy, 'lock'), await readFile(lockFile()));
    await expect(vfs.lock(copy)).rejects.toMatchObject({
      code: 'DLE_LOCKED',
      message: expect.stringContaining(`process ${child.pid}`),
    });
    await child.kill();
    await (await vfs.lock(copy)).release();
    await rm(copy, { recursive: true });
  });
});
