import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DleError, isDleError } from '@dle/common';
import { guardDirectory } from './kernel-guard.js';
import { fromSystemError, systemCode } from './system-error.js';
import type { VfsLock } from './vfs.js';

const LOCK_FILE = 'lock';
/**
 * A take-over that loses a race finds another holder the next time round; it never goes round for
 * long.
 */
const MAX_ATTEMPTS = 3;

/** Who holds a directory: what its `lock` file says. */
interface Holder {
  readonly pid: number;
  /** Changes with every boot of the machine; empty where the system does not tell. */
  readonly bootId: string;
  /**
   * Of the process, in the kernel's own unit; tells a process from a later one with the same pid.
   */
  readonly startTime: string;
  readonly host: string;
}

/**
 * Locks `directory` for this process. What the kernel frees with the process, however that ends, is
 * the guard. The `lock` file names the holder, and guards where the kernel has no guard to give:
 * without the addon that is so on other systems than Linux, and between containers that share the
 * directory but no network.
 */
export async function lockDirectory(directory: string): Promise<VfsLock> {
  const path = join(directory, LOCK_FILE);
  const guard = await guardDirectory(directory, () => lockedBy(directory, path, readHolder(path)));
  try {
    takeLockFile(directory, path, guard !== undefined);
  } catch (thrown) {
    // With the guard in hand the file is a courtesy: a full disk must not keep a store from being
    // read.
    if (guard === undefined || isDleError(thrown, 'DLE_LOCKED')) {
      guard?.free();
      throw fromSystemError(thrown, 'lock', directory);
    }
  }
  return {
    release: async () => {
      try {
        if (isMine(readHolder(path))) fs.rmSync(path, { force: true });
      } catch (thrown) {
        throw fromSystemError(thrown, 'remove', path);
      } finally {
        guard?.free();
      }
    },
  };
}

/**
 * Puts the lock file in its place, also that of one whose process is gone. Whoever is `guarded`
 * knows that a holder in this process is gone too: a worker thread that was terminated.
 */
function takeLockFile(directory: string, path: string, guarded: boolean): void {
  const draft = `${path}.${process.pid}`;
  try {
    fs.writeFileSync(draft, `${JSON.stringify(self())}\n`);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (linked(draft, path)) return;
      const holder = readHolder(path);
      const isLeftBehind = holder === undefined || isGone(holder) || (guarded && isMine(holder));
      if (!isLeftBehind) throw lockedBy(directory, path, holder);
      moveAside(path, `${draft}.old`, holder);
    }
    throw lockedBy(directory, path, readHolder(path));
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Gives `from` the second name `to`, at once and whole, unless that is taken. */
function linked(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (thrown) {
    if (systemCode(thrown) === 'EEXIST') return false;
    throw thrown;
  }
}

/** Removes the lock file of `stale`; a younger one that has taken its place is put back. */
function moveAside(path: string, aside: string, stale: Holder | undefined): void {
  try {
    fs.renameSync(path, aside);
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return;
    throw thrown;
  }
  if (!isDeepStrictEqual(readHolder(aside), stale)) linked(aside, path);
  fs.rmSync(aside);
}

/** `undefined` if the file is missing, or does not say. */
function readHolder(path: string): Holder | undefined {
  try {
    const holder = JSON.parse(fs.readFileSync(path, 'utf8')) as Partial<Holder> | null;
    if (holder === null || !Number.isSafeInteger(holder.pid) || typeof holder.host !== 'string') {
      return undefined;
    }
    return holder as Holder;
  } catch {
    return undefined;
  }
}

/** A process of another host cannot be asked: it counts as alive. */
function isGone(holder: Holder): boolean {
  if (holder.host !== hostname()) return false;
  if (holder.bootId !== bootId()) return true;
  return !isAlive(holder.pid) || holder.startTime !== startTime(holder.pid);
}

function isMine(holder: Holder | undefined): boolean {
  return isDeepStrictEqual(holder, self());
}

function self(): Holder {
  const { pid } = process;
  return { pid, bootId: bootId(), startTime: startTime(pid), host: hostname() };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return systemCode(thrown) === 'EPERM';
  }
}

function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id').trim();
}

/**
 * Field 22 of /proc/<pid>/stat; the second one, the name, may hold spaces and ends with the last
 * bracket.
 */
function startTime(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function lockedBy(what: string, path: string, holder: Holder | undefined): DleError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  return new DleError(
    'DLE_LOCKED',
    `${what} is in use by ${who}; stop it, or, if it is certainly gone, remove ${path}`,
    { retryable: true },
  );
}
