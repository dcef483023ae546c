import * as fs from 'node:fs';
import { assert, DleError } from '@dle/common';
import { nativeBinding } from '../native/native.js';
import { errorOf, fromSystemError, systemCode } from './system-error.js';
import type { VfsFile, VfsOperation } from './vfs.js';

const ZEROS: Uint8Array = new Uint8Array(256 * 1024);
/** What a system or file system answers that cannot take space without writing to it. */
const CANNOT_ALLOCATE = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EINVAL']);

/** A file of the operating system. */
export class NodeFile implements VfsFile {
  readonly path: string;
  readonly descriptor: number;
  #underWay = 0;
  #closing = false;
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.descriptor = descriptor;
  }

  size(): number {
    return this.#attempt('size', () => fs.fstatSync(this.descriptor).size);
  }

  identity(): string {
    const { dev, ino } = this.#attempt('identify', () =>
      fs.fstatSync(this.descriptor, { bigint: true }),
    );
    return `${dev}:${ino}`;
  }

  writeSync(parts: readonly Uint8Array[], position: number): void {
    let offset = position;
    let rest = parts.filter((part) => part.length > 0);
    while (rest.length > 0) {
      const written = this.#attempt('write', () => this.#writeSome(rest, offset));
      offset += written;
      rest = withoutFirst(rest, written);
    }
  }

  allocateSync(position: number, length: number): boolean {
    if (this.#setAside(position, length)) return false;
    for (let done = 0; done < length; done += ZEROS.length) {
      this.writeSync([ZEROS.subarray(0, length - done)], position + done);
    }
    return true;
  }

  readSync(target: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < target.length) {
      const length = target.length - filled;
      const count = this.#attempt('read', () =>
        fs.readSync(this.descriptor, target, filled, length, position + filled),
      );
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const count = await this.#inPool<number>('read', (done) => {
        const length = target.length - filled;
        fs.read(this.descriptor, target, filled, length, position + filled, done);
      });
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  datasync(): Promise<void> {
    return this.#inPool<void>('flush', (done) => fs.fdatasync(this.descriptor, done));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing = true;
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    try {
      fs.closeSync(this.descriptor);
    } catch (thrown) {
      throw fromSystemError(thrown, 'close', this.path);
    }
  }

  /** Whether the system could take the space without writing to it. */
  #setAside(position: number, length: number): boolean {
    const native = nativeBinding();
    if (native === undefined || length === 0) return false;
    return this.#attempt('allocate', () => {
      const outcome = native.preallocate(this.descriptor, position, length);
      if (outcome === 0) return true;
      const error = errorOf(outcome, 'fallocate');
      if (CANNOT_ALLOCATE.has(systemCode(error))) return false;
      throw error;
    });
  }

  #writeSome(parts: Uint8Array[], position: number): number {
    if (parts.length > 1) return fs.writevSync(this.descriptor, parts, position);
    return fs.writeSync(this.descriptor, parts[0]!, 0, parts[0]!.length, position);
  }

  /** Runs a system call, again if a signal interrupted it. */
  #attempt<T>(what: VfsOperation, call: () => T): T {
    this.#assertOpen(what);
    for (;;) {
      try {
        return call();
      } catch (thrown) {
        if (systemCode(thrown) === 'EINTR') continue;
        throw fromSystemError(thrown, what, this.path);
      }
    }
  }

  /** Runs a call in the thread pool. Only reads are tried again after `EINTR`: a flush never is. */
  #inPool<T>(
    what: VfsOperation,
    call: (done: (error: Error | null, result?: T) => void) => void,
  ): Promise<T> {
    this.#assertOpen(what);
    this.#underWay++;
    return new Promise<T>((resolve, reject) => {
      const done = (error: Error | null, result?: T): void => {
        if (error !== null && what === 'read' && systemCode(error) === 'EINTR') {
          call(done);
          return;
        }
        this.#underWay--;
        if (this.#underWay === 0) this.#onIdle?.();
        if (error === null) resolve(result as T);
        else reject(fromSystemError(error, what, this.path));
      };
      call(done);
    });
  }

  #assertOpen(what: string): void {
    if (this.#closing) throw new DleError('DLE_CLOSED', `${what} ${this.path}: the file is closed`);
  }
}

/** `parts` without their first `count` bytes. */
function withoutFirst(parts: Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  for (let place = 0; place < parts.length; place++) {
    const part = parts[place]!;
    if (skip < part.length) return [part.subarray(skip), ...parts.slice(place + 1)];
    skip -= part.length;
  }
  assert(skip === 0, 'more bytes written than given');
  return [];
}
