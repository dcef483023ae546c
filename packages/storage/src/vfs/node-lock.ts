import * as fs from 'node:fs';
import * as net from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { DleError, isDleError } from '@dle/common';
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
 * Locks `directory` for this process. On Linux a socket in the abstract namespace, named by the
 * identity of the directory, is the guard: the kernel makes it exclusive and frees it with the
 * process, however that ends. The `lock` file names the holder, and guards where the socket cannot:
 * on other systems, and between containers that share the directory but no network.
 */
export async function lockDirectory(directory: string): Promise<VfsLock> {
  const path = join(directory, LOCK_FILE);
  const guard = await takeGuard(directory, path);
  try {
    takeLockFile(directory, path);
  } catch (thrown) {
    // With the guard in hand the file is a courtesy: a full disk must not keep a store from being
    // read.
    if (guard === undefined || isDleError(thrown, 'DLE_LOCKED')) {
      guard?.close();
      throw fromSystemError(thrown, `lock ${directory}`);
    }
  }
  return {
    release: async () => {
      if (isMine(readHolder(path))) fs.rmSync(path, { force: true });
      guard?.close();
    },
  };
}

function takeGuard(directory: string, path: string): Promise<net.Server | undefined> {
  if (process.platform !== 'linux') return Promise.resolve(undefined);
  const name = guardName(directory);
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (systemCode(error) === 'EADDRINUSE') reject(lockedBy(directory, path, readHolder(path)));
      else reject(fromSystemError(error, `lock ${directory}`));
    });
    server.listen({ path: name, exclusive: true }, () => resolve(server));
    server.unref();
  });
}

function guardName(directory: string): string {
  try {
    const { dev, ino } = fs.statSync(directory, { bigint: true });
    return `\0dle-${dev}:${ino}`;
  } catch (thrown) {
    throw fromSystemError(thrown, `lock ${directory}`);
  }
}

/** Puts the lock file in its place, also that of one whose process is gone. */
function takeLockFile(directory: string, path: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    fs.writeFileSync(draft, `${JSON.stringify(self())}\n`);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (linked(draft, path)) return;
      const holder = readHolder(path);
      if (holder !== undefined && !isGone(holder)) throw lockedBy(directory, path, holder);
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
