import * as fs from 'node:fs';
import { link, mkdir, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { NodeFile } from './node-file.js';
import { lockDirectory } from './node-lock.js';
import { fromSystemError, systemCode } from './system-error.js';
import type { Vfs, VfsFile, VfsLock, VfsOperation } from './vfs.js';

/** What a system answers where a file can have no second name. */
const CANNOT_LINK = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** The files of the operating system. */
export class NodeVfs implements Vfs {
  async makeDirectory(directory: string): Promise<void> {
    const wanted = resolve(directory);
    const first = await attempt('make', wanted, () => mkdir(wanted, { recursive: true }));
    if (first === undefined) return;
    for (let made = wanted; ; made = dirname(made)) {
      await this.syncDirectory(dirname(made));
      if (made === first || dirname(made) === made) return;
    }
  }

  async list(directory: string): Promise<string[]> {
    try {
      return await readdir(directory);
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return [];
      throw fromSystemError(thrown, 'list', directory);
    }
  }

  openSync(path: string, options: { readonly readOnly?: boolean } = {}): VfsFile {
    return openDescriptor('open', path, options.readOnly === true ? 'r' : 'r+');
  }

  createSync(path: string): VfsFile {
    return openDescriptor('create', path, 'wx+');
  }

  rename(from: string, to: string): Promise<void> {
    return attempt('rename', `${from} to ${to}`, () => rename(from, to));
  }

  async link(from: string, to: string): Promise<boolean> {
    try {
      await link(from, to);
      return true;
    } catch (thrown) {
      if (CANNOT_LINK.has(systemCode(thrown))) return false;
      throw fromSystemError(thrown, 'link', `${to} to ${from}`);
    }
  }

  unlink(path: string): Promise<void> {
    return attempt('unlink', path, () => unlink(path));
  }

  unlinkSync(path: string): void {
    try {
      fs.unlinkSync(path);
    } catch (thrown) {
      throw fromSystemError(thrown, 'unlink', path);
    }
  }

  freeBytes(directory: string): number {
    try {
      const { bavail, bsize } = fs.statfsSync(directory);
      return bavail * bsize;
    } catch (thrown) {
      throw fromSystemError(thrown, 'measure', directory);
    }
  }

  async removeDirectory(directory: string): Promise<void> {
    try {
      await rmdir(directory);
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return;
      throw fromSystemError(thrown, 'remove', directory);
    }
  }

  async syncDirectory(directory: string): Promise<void> {
    // Windows cannot open a directory, and keeps its entries in a journal of its own.
    if (process.platform === 'win32') return;
    await attempt('flush', directory, async () => {
      const handle = await fs.promises.open(directory, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  lock(directory: string): Promise<VfsLock> {
    return lockDirectory(directory);
  }
}

function openDescriptor(operation: 'open' | 'create', path: string, flags: string): VfsFile {
  try {
    return new NodeFile(path, fs.openSync(path, flags));
  } catch (thrown) {
    throw fromSystemError(thrown, operation, path);
  }
}

async function attempt<T>(
  operation: VfsOperation,
  operand: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw fromSystemError(thrown, operation, operand);
  }
}
