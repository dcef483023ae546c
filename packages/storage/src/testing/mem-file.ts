import { DleError } from '@dle/common';
import type { VfsFile } from '../vfs/vfs.js';
import type { MemInode } from './mem-inode.js';

/** What a call to a file may be made to do. */
export type MemFileFault = 'failRead' | 'failWrite' | 'failFlush';

/** What a file in memory needs of its disk. */
export interface MemDisk {
  /** Throws if the machine has crashed since the file was opened. */
  check(what: string): void;
  /** Checks, and counts an operation; throws also if the machine is to crash in it. */
  enter(what: string): void;
  /** Bytes by which files may still grow. */
  room(): number;
  /** How many of the `bytes` of a write get done: fewer if it is to be interrupted. */
  progress(bytes: number): number;
  /** Whether this call is the one that is to fail. */
  due(fault: MemFileFault): boolean;
  /** Resolves when the present turn ends. */
  turn(): Promise<void>;
  /** The file is closed, and nothing is under way in it any more. */
  closed(file: VfsFile): void;
}

/** An open file of a `MemVfs`. */
export class MemFile implements VfsFile {
  readonly path: string;
  readonly #inode: MemInode;
  readonly #disk: MemDisk;
  #closed = false;
  #underWay = 0;
  /** For all that is under way to be done. */
  readonly #waiting: (() => void)[] = [];

  constructor(path: string, inode: MemInode, disk: MemDisk) {
    this.path = path;
    this.#inode = inode;
    this.#disk = disk;
  }

  size(): number {
    this.#enter('size');
    return this.#inode.size;
  }

  identity(): string {
    this.#enter('identify');
    return `${this.#inode.number}`;
  }

  writeSync(parts: readonly Uint8Array[], position: number): void {
    this.#assertOpen('write');
    this.#disk.check('write');
    // A crash in the midst of a write may have taken any part of it: it counts as written, not
    // flushed.
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    let left = this.#disk.progress(bytes);
    let offset = position;
    let room = Math.max(0, this.#disk.room());
    for (const whole of parts) {
      const part = left < whole.length ? whole.subarray(0, left) : whole;
      left -= part.length;
      const growth = Math.max(0, offset + part.length - this.#inode.size);
      const fits = part.length - Math.max(0, growth - room);
      this.#inode.write(part.subarray(0, Math.max(0, fits)), offset);
      if (fits < part.length) this.#failFull();
      room -= growth;
      offset += part.length;
    }
    this.#enter('write');
    if (this.#disk.due('failWrite')) throw this.#ioError('write');
  }

  allocateSync(position: number, length: number): boolean {
    this.writeSync([new Uint8Array(length)], position);
    return true;
  }

  readSync(target: Uint8Array, position: number): number {
    this.#enter('read');
    if (this.#disk.due('failRead')) throw this.#ioError('read');
    return this.#inode.read(target, position);
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#enter('read');
    await this.#turn();
    this.#disk.check('read');
    if (this.#disk.due('failRead')) throw this.#ioError('read');
    return this.#inode.read(target, position);
  }

  async datasync(): Promise<void> {
    this.#enter('flush');
    const covered = this.#inode.mark();
    const fails = this.#disk.due('failFlush');
    await this.#turn();
    // It may have crashed, or crash here: then what it was to flush is as open as the rest.
    this.#disk.enter('flush');
    if (fails) {
      this.#inode.forget(covered);
      throw this.#ioError('flush');
    }
    this.#inode.flush(covered);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#disk.closed(this);
  }

  async #turn(): Promise<void> {
    this.#underWay++;
    await this.#disk.turn();
    this.#underWay--;
    if (this.#underWay === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #enter(what: string): void {
    this.#assertOpen(what);
    this.#disk.enter(what);
  }

  #assertOpen(what: string): void {
    if (this.#closed) throw new DleError('DLE_CLOSED', `${what} ${this.path}: the file is closed`);
  }

  #failFull(): never {
    this.#enter('write');
    const message = `write ${this.path}: ENOSPC`;
    const details = { operation: 'write' };
    throw new DleError('DLE_DISK_FULL', message, { retryable: true, details });
  }

  #ioError(what: string): DleError {
    // As systems tell it.
    const cause = Object.assign(new Error(`EIO: i/o error, ${what}`), { code: 'EIO' });
    return new DleError('DLE_IO', `${what} ${this.path}: EIO`, {
      cause,
      details: { operation: what },
    });
  }
}
