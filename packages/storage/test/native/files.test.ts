import { spawnSync } from 'node:child_process';
import { closeSync, openSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeStatus } from '../../src/index.js';
import { NodeVfs } from '../../src/internal.js';
import { nativeBinding } from '../../src/native/native.js';

const MIB = 1024 * 1024;
const vfs = new NodeVfs();

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dle-files-'));
});

afterEach(() => rm(directory, { recursive: true }));

describe('taking space', () => {
  it('has it on the disk, and not only in the length of the file', async () => {
    const path = join(directory, 'file');
    const file = vfs.createSync(path);
    const wasWritten = file.allocateSync(0, 2 * MIB);
    await file.datasync();
    const { size, blocks } = statSync(path);
    expect(size).toBe(2 * MIB);
    expect(blocks * 512).toBeGreaterThanOrEqual(2 * MIB);
    if (nativeStatus().loaded && process.platform === 'linux') expect(wasWritten).toBe(false);
    await file.close();
  });

  it('meets a full disk with an error that says so, and goes on when there is room', async (test) => {
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', directory]);
    if (mount.status !== 0) test.skip('only root can mount a small disk');
    try {
      const file = vfs.createSync(join(directory, 'file'));
      file.writeSync([Uint8Array.of(1)], 0);
      expect(() => file.allocateSync(1, 2 * MIB)).toThrow(
        expect.objectContaining({ code: 'DLE_DISK_FULL', retryable: true }),
      );
      file.allocateSync(1, 1_000);
      file.writeSync([new Uint8Array(1_000).fill(2)], 1);
      const target = new Uint8Array(3);
      file.readSync(target, 0);
      expect([...target]).toEqual([1, 2, 2]);
      await file.close();
    } finally {
      spawnSync('umount', [directory]);
    }
  });

  it('is refused by name where it cannot be written', async () => {
    const path = join(directory, 'file');
    await vfs.createSync(path).close();
    const file = vfs.openSync(path, { readOnly: true });
    expect(() => file.allocateSync(0, 1)).toThrow(
      expect.objectContaining({
        code: 'DLE_IO',
        message: expect.stringContaining(path),
        cause: expect.objectContaining({ code: 'EBADF' }),
      }),
    );
    await file.close();
  });
});

describe.runIf(nativeStatus().loaded)('the functions of the addon', () => {
  it('refuse what are no numbers', () => {
    const native = nativeBinding()!;
    const wrong = 'x' as unknown as number;
    expect(() => native.preallocate(wrong, 0, 1)).toThrow(TypeError);
    expect(() => (native.preallocate as (fd: number) => number)(1)).toThrow(TypeError);
    expect(() => native.lockFile(wrong)).toThrow(TypeError);
  });

  it('answer with the number of the error', () => {
    const native = nativeBinding()!;
    expect(native.lockFile(-1)).toBeGreaterThan(0);
    const descriptor = openSync(join(directory, 'file'), 'w');
    expect(native.preallocate(descriptor, -1, 1)).toBeGreaterThan(0);
    closeSync(descriptor);
  });
});
