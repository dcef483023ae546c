import assert from 'node:assert/strict';
import { join } from 'node:path';
import { isDleError } from '@dle/common';
import type { Vfs, VfsOperation } from '../vfs/vfs.js';

export interface VfsUnderTest {
  readonly vfs: Vfs;
  /** An empty directory, or one that does not exist yet and may be made. */
  readonly directory: string;
  dispose(): Promise<void>;
}

/** As vitest's `it` or node's `test`. */
export type TestFunction = (name: string, body: () => Promise<void>) => void;

/** What every Vfs must do. `create` is called once per test. */
export function vfsComplianceSuite(test: TestFunction, create: () => Promise<VfsUnderTest>): void {
  const check = (name: string, body: (vfs: Vfs, directory: string) => Promise<void>): void => {
    test(name, async () => {
      const { vfs, directory, dispose } = await create();
      try {
        await vfs.makeDirectory(directory);
        await body(vfs, directory);
      } finally {
        await dispose();
      }
    });
  };
  filesAndNames(check);
  readsAndWrites(check);
  locks(check);
}

type Check = (name: string, body: (vfs: Vfs, directory: string) => Promise<void>) => void;

function filesAndNames(check: Check): void {
  check('makes directories, also again', async (vfs, directory) => {
    await vfs.makeDirectory(join(directory, 'a', 'b'));
    await vfs.makeDirectory(join(directory, 'a', 'b'));
    assert.deepEqual(await vfs.list(join(directory, 'a', 'b')), []);
    assert.deepEqual(await vfs.list(join(directory, 'missing')), []);
  });

  check('creates, lists, renames and unlinks files', async (vfs, directory) => {
    for (const name of ['x', 'y']) await vfs.createSync(join(directory, name)).close();
    assert.deepEqual((await vfs.list(directory)).sort(), ['x', 'y']);
    assert.throws(() => vfs.createSync(join(directory, 'x')), isIoError('create'));
    await vfs.rename(join(directory, 'x'), join(directory, 'z'));
    await vfs.unlink(join(directory, 'y'));
    await vfs.syncDirectory(directory);
    assert.deepEqual(await vfs.list(directory), ['z']);
  });

  check('renames onto a file that is there', async (vfs, directory) => {
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    const file = vfs.createSync(from);
    file.writeSync([Uint8Array.of(7)], 0);
    await file.close();
    await vfs.createSync(to).close();
    await vfs.rename(from, to);
    const renamed = vfs.openSync(to, { readOnly: true });
    assert.equal(renamed.size(), 1);
    await renamed.close();
  });

  check('gives a file a second name, by which it is the same file', async (vfs, directory) => {
    const [path, second, other] = ['one', 'two', 'other'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    const file = vfs.createSync(path);
    file.writeSync([Uint8Array.of(1)], 0);
    assert.equal(await vfs.link(path, second), true);
    await vfs.syncDirectory(directory);
    const twin = vfs.openSync(second, { readOnly: true });
    const another = vfs.createSync(other);
    assert.equal(twin.identity(), file.identity());
    assert.notEqual(another.identity(), file.identity());
    file.writeSync([Uint8Array.of(2)], 0);
    await vfs.unlink(path);
    const target = new Uint8Array(1);
    assert.equal(twin.readSync(target, 0), 1);
    assert.deepEqual([...target], [2]);
    await assert.rejects(vfs.link(second, other), isIoError('link'));
    await assert.rejects(vfs.link(path, join(directory, 'third')), isIoError('link'));
    await Promise.all([file.close(), twin.close(), another.close()]);
    assert.deepEqual((await vfs.list(directory)).sort(), ['other', 'two']);
  });

  check('removes a directory that is empty, and no other', async (vfs, directory) => {
    const inside = join(directory, 'inside');
    await vfs.makeDirectory(inside);
    await vfs.createSync(join(inside, 'file')).close();
    await assert.rejects(vfs.removeDirectory(inside), isIoError('remove'));
    await vfs.unlink(join(inside, 'file'));
    await vfs.removeDirectory(inside);
    await vfs.removeDirectory(inside);
    if (process.platform !== 'win32') {
      await assert.rejects(vfs.syncDirectory(inside), isIoError('flush'));
    }
    assert.throws(() => vfs.createSync(join(inside, 'x')), isIoError('create'));
    await vfs.makeDirectory(inside);
    await vfs.syncDirectory(inside);
    await vfs.removeDirectory(inside);
    assert.deepEqual(await vfs.list(directory), []);
  });

  check('says what does not exist', async (vfs, directory) => {
    const path = join(directory, 'missing');
    assert.throws(() => vfs.openSync(path), isIoError('open'));
    await assert.rejects(vfs.unlink(path), isIoError('unlink'));
    await assert.rejects(vfs.rename(path, `${path}2`), isIoError('rename'));
  });

  check('keeps an unlinked file readable while it is open', async (vfs, directory) => {
    const path = join(directory, 'file');
    const file = vfs.createSync(path);
    file.writeSync([Uint8Array.of(1, 2, 3)], 0);
    await vfs.unlink(path);
    const target = new Uint8Array(3);
    assert.equal(file.readSync(target, 0), 3);
    assert.deepEqual([...target], [1, 2, 3]);
    await file.close();
  });
}

function readsAndWrites(check: Check): void {
  check(
    'writes parts one after the other, more of them than one call takes',
    async (vfs, directory) => {
      const file = vfs.createSync(join(directory, 'file'));
      const parts = Array.from({ length: 3_000 }, (_, place) =>
        Uint8Array.of(place & 255, place >> 8),
      );
      file.writeSync([new Uint8Array(0), ...parts], 10);
      const bytes = new Uint8Array(6_010);
      assert.equal(file.readSync(bytes, 0), 6_010);
      assert.deepEqual(bytes.subarray(0, 10), new Uint8Array(10));
      assert.equal(file.size(), 6_010);
      for (const [place, part] of parts.entries()) {
        assert.deepEqual(bytes.subarray(10 + place * 2, 12 + place * 2), part);
      }
      await file.close();
    },
  );

  check('takes the bytes before it returns', async (vfs, directory) => {
    const file = vfs.createSync(join(directory, 'file'));
    const bytes = Uint8Array.of(1, 2, 3);
    file.writeSync([bytes], 0);
    bytes.fill(9);
    await file.datasync();
    const target = new Uint8Array(3);
    file.readSync(target, 0);
    assert.deepEqual([...target], [1, 2, 3]);
    await file.close();
  });

  check('reads fewer bytes only at the end', async (vfs, directory) => {
    const file = vfs.createSync(join(directory, 'file'));
    file.writeSync([Uint8Array.of(1, 2, 3, 4)], 0);
    const target = new Uint8Array(8);
    assert.equal(file.readSync(target, 1), 3);
    assert.equal(await file.read(target, 2), 2);
    assert.deepEqual([...target.subarray(0, 3)], [3, 4, 4]);
    assert.equal(await file.read(target, 9), 0);
    await file.close();
  });

  check('takes space that reads as zeros, and leaves what is before it', async (vfs, directory) => {
    const file = vfs.createSync(join(directory, 'file'));
    file.writeSync([Uint8Array.of(1, 2, 3)], 0);
    file.allocateSync(3, 700_000);
    file.allocateSync(700_003, 5);
    assert.equal(file.size(), 700_008);
    const target = new Uint8Array(700_008);
    assert.equal(file.readSync(target, 0), 700_008);
    assert.deepEqual([...target.subarray(0, 3)], [1, 2, 3]);
    assert.ok(target.subarray(3).every((byte) => byte === 0));
    file.writeSync([Uint8Array.of(4)], 600_000);
    await file.datasync();
    assert.equal(await file.read(target, 599_999), 100_009);
    assert.deepEqual([...target.subarray(0, 3)], [0, 4, 0]);
    await file.close();
    assert.throws(
      () => file.allocateSync(0, 1),
      (thrown) => isDleError(thrown, 'DLE_CLOSED'),
    );
  });

  check('overwrites, and reads through a second handle', async (vfs, directory) => {
    const path = join(directory, 'file');
    const file = vfs.createSync(path);
    file.writeSync([Uint8Array.of(1, 1, 1)], 0);
    file.writeSync([Uint8Array.of(2)], 1);
    const reader = vfs.openSync(path, { readOnly: true });
    const target = new Uint8Array(3);
    assert.equal(await reader.read(target, 0), 3);
    assert.deepEqual([...target], [1, 2, 1]);
    await Promise.all([reader.close(), file.close()]);
  });

  check('closes once, after the reads and flushes under way', async (vfs, directory) => {
    const file = vfs.createSync(join(directory, 'file'));
    file.writeSync([new Uint8Array(100_000)], 0);
    const reading = file.read(new Uint8Array(100_000), 0);
    const flushing = file.datasync();
    await Promise.all([file.close(), file.close()]);
    assert.equal(await reading, 100_000);
    await flushing;
    assert.throws(
      () => file.size(),
      (thrown) => isDleError(thrown, 'DLE_CLOSED'),
    );
  });
}

function locks(check: Check): void {
  check('locks a directory once at a time', async (vfs, directory) => {
    const lock = await vfs.lock(directory);
    await assert.rejects(vfs.lock(directory), (thrown) => isDleError(thrown, 'DLE_LOCKED'));
    await lock.release();
    const again = await vfs.lock(directory);
    await again.release();
  });

  check('locks one of many that try at once', async (vfs, directory) => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => vfs.lock(directory)));
    const taken = tries.filter((result) => result.status === 'fulfilled');
    assert.equal(taken.length, 1);
    await taken[0]!.value.release();
  });
}

function isIoError(operation: VfsOperation): (thrown: unknown) => boolean {
  return (thrown) => {
    if (!isDleError(thrown, 'DLE_IO') || thrown.cause === undefined) return false;
    return thrown.details?.operation === operation;
  };
}
