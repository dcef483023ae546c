import * as fs from 'node:fs';
import * as net from 'node:net';
import type { DleError } from '@dle/common';
import { nativeBinding } from '../native/native.js';
import { errorOf, fromSystemError, systemCode } from './system-error.js';

/** What the kernel keeps for one opening of a directory; the end of the process frees it too. */
export interface KernelGuard {
  free(): void;
}

/**
 * Guards `directory` by all means that there are; `undefined` if there are none. Throws what
 * `taken` makes if somebody else has one of them, be it in this process.
 *
 * On Linux that is a socket in the abstract namespace, named by the identity of the directory,
 * which needs no addon. With the addon it is also a lock on the directory itself: that one keeps
 * apart containers that share the directory but no network, and processes of other systems.
 */
export async function guardDirectory(
  directory: string,
  taken: () => DleError,
): Promise<KernelGuard | undefined> {
  const socket = await takeSocket(directory, taken);
  try {
    const lock = takeLock(directory, taken);
    if (socket === undefined || lock === undefined) return socket ?? lock;
    return {
      free: () => {
        lock.free();
        socket.free();
      },
    };
  } catch (thrown) {
    socket?.free();
    throw thrown;
  }
}

function takeSocket(directory: string, taken: () => DleError): Promise<KernelGuard | undefined> {
  if (process.platform !== 'linux') return Promise.resolve(undefined);
  const name = socketName(directory);
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if (systemCode(error) === 'EADDRINUSE') reject(taken());
      else reject(fromSystemError(error, 'lock', directory));
    });
    server.listen({ path: name, exclusive: true }, () => resolve({ free: () => server.close() }));
    server.unref();
  });
}

function socketName(directory: string): string {
  try {
    const { dev, ino } = fs.statSync(directory, { bigint: true });
    return `\0dle-${dev}:${ino}`;
  } catch (thrown) {
    throw fromSystemError(thrown, 'lock', directory);
  }
}

function takeLock(directory: string, taken: () => DleError): KernelGuard | undefined {
  const native = nativeBinding();
  if (native === undefined) return undefined;
  const descriptor = openDirectory(directory);
  const outcome = native.lockFile(descriptor);
  if (outcome === 0) return { free: () => fs.closeSync(descriptor) };
  fs.closeSync(descriptor);
  if (systemCode(errorOf(outcome, 'flock')) === 'EAGAIN') throw taken();
  // A network file system may not know such locks, or want a file that is open for writing.
  return undefined;
}

function openDirectory(directory: string): number {
  try {
    return fs.openSync(directory, 'r');
  } catch (thrown) {
    throw fromSystemError(thrown, 'lock', directory);
  }
}
