import { basename, dirname } from 'node:path';
import { type Clock, DleError, type Random, randomBelow } from '@dle/common';
import type { Vfs, VfsFile, VfsLock, VfsOperation } from '../vfs/vfs.js';
import { MemFile, type MemFileFault } from './mem-file.js';
import { MemInode } from './mem-inode.js';
import { MemNames } from './mem-names.js';

export interface MemVfsComponents {
  /** Decides what a crash loses. */
  readonly random: Random;
  /** Flushes and reads complete when its turn ends. */
  readonly clock: Clock;
}

export interface MemVfsOptions {
  /** Sum of the sizes of all files above which a write meets a full disk. Default: none. */
  readonly capacityBytes?: number;
}

/** What is to go wrong, counted in calls from now; 1 is the very next one. */
export interface MemFaults {
  /** The machine crashes in the midst of this I/O operation, whatever it is. */
  crashAtOperation?: number;
  /** The process is killed in the midst of this I/O operation; a write stops somewhere. */
  killAtOperation?: number;
  /** Only such operations count for the two above; `previous` was begun before. Default: all. */
  counts?: (operation: string, previous: string | undefined) => boolean;
  /** This write fails with an I/O error, somewhere on its way. */
  failWrite?: number;
  /** This read fails with an I/O error; what was to be read is still there. */
  failRead?: number;
  /**
   * This flush fails, and later ones succeed. What it was to flush of a file is gone; names are
   * still to be flushed, for file systems keep a journal of those.
   */
  failFlush?: number;
}

/** How the process ended that a disk served. */
export interface MemEnd {
  /** Whether the whole machine crashed, or the process alone was killed. */
  readonly kind: 'crash' | 'kill';
  /** The I/O operation in the midst of which it happened; `undefined`: between two of them. */
  readonly operation: string | undefined;
  /** The one that was begun before that; `undefined`: it was the first. */
  readonly previous: string | undefined;
}

/**
 * A disk in memory that forgets: what was not flushed survives a crash in any part, by sectors; so
 * do names whose directory was not flushed. After `crash` or `kill` every call throws until
 * `restart`, and files opened before stay dead. The same seed and the same calls give the same
 * losses.
 */
export class MemVfs implements Vfs {
  /** I/O operations so far. */
  operations = 0;
  /** Until the next restart, every write to such a file fails with an I/O error. */
  unwritable: ((path: string) => boolean) | undefined;
  /** Until the next restart, every read of such a file does. */
  unreadable: ((path: string) => boolean) | undefined;
  /**
   * Until the next restart, every flush of such a file does, as if planned by `failFlush`; or with
   * what this throws, and nothing is lost.
   */
  unflushable: ((path: string) => boolean) | undefined;
  /** Room on the disk; may be changed at any time. */
  capacityBytes: number;
  readonly #components: MemVfsComponents;
  readonly #names = new MemNames();
  /** Directories are there without being made; these are not, until they are made again. */
  readonly #removed = new Set<string>();
  readonly #locks = new Set<string>();
  readonly #open = new Set<VfsFile>();
  #faults: MemFaults = {};
  #failures: string[] = [];
  #lastOperation: string | undefined;
  #end: MemEnd | undefined;
  /** Counts restarts: what was opened before the last one is dead. */
  #life = 0;

  constructor(components: MemVfsComponents, options: MemVfsOptions = {}) {
    this.#components = components;
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Whether there is no process that could be served: it was killed, or the machine crashed. */
  get down(): boolean {
    return this.#end !== undefined;
  }

  /** How the last process ended, if it has. */
  get end(): MemEnd | undefined {
    return this.#end;
  }

  /** The reads, writes and flushes that have failed as was planned, since the last restart. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Sum of the sizes of all files. */
  get usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#names.inodes())) used += inode.size;
    return used;
  }

  /** The paths of the files that are open, each as often as it is. */
  get openPaths(): string[] {
    return Array.from(this.#open, ({ path }) => path);
  }

  /** The paths of all files as programs see them. */
  get paths(): string[] {
    return [...this.#names.paths()];
  }

  /** Replaces what was planned before. */
  plan(faults: MemFaults): void {
    this.#faults = { ...faults };
  }

  /** The process dies: its locks are free, its files are dead. The disk forgets nothing. */
  kill(): void {
    this.#stop('kill', undefined);
  }

  /** The power fails. */
  crash(): void {
    this.#crash(undefined);
  }

  #crash(operation: string | undefined): void {
    this.#stop('crash', operation);
    const inodes = new Set(this.#names.inodes());
    this.#names.crash(this.#components.random);
    for (const inode of this.#names.inodes()) inodes.add(inode);
    for (const inode of inodes) inode.crash(this.#components.random);
  }

  /** Another process starts, after a crash if nothing has happened to the last one. */
  restart(): void {
    if (!this.down) this.crash();
    this.#end = undefined;
    this.#failures = [];
    this.unwritable = undefined;
    this.unreadable = undefined;
    this.unflushable = undefined;
    this.#lastOperation = undefined;
    this.#life++;
  }

  /** Flips one bit of a file, on the device too, without anybody noticing. */
  flipBit(path: string, position: number, bit: number): void {
    this.#inode(path).flip(position, bit);
  }

  /** Bytes of a file as programs see it. */
  sizeOf(path: string): number {
    return this.#inode(path).size;
  }

  /** The content of a file as programs see it. */
  contentOf(path: string): Uint8Array {
    const inode = this.#inode(path);
    const bytes = new Uint8Array(inode.size);
    inode.read(bytes, 0);
    return bytes;
  }

  async makeDirectory(directory: string): Promise<void> {
    await this.#operation(`make ${directory}`);
    this.#removed.delete(directory);
  }

  async list(directory: string): Promise<string[]> {
    await this.#operation(`list ${directory}`);
    const inside = [...this.#names.paths()].filter((path) => dirname(path) === directory);
    return inside.map((path) => basename(path));
  }

  openSync(path: string, _options?: { readonly readOnly?: boolean }): VfsFile {
    this.#enter(`open ${path}`);
    return this.#file(path, this.#inode(path));
  }

  createSync(path: string): VfsFile {
    const what = `create ${path}`;
    this.#alive(what);
    if (this.#removed.has(dirname(path))) throw failed(what, 'ENOENT');
    if (this.#names.get(path) !== undefined) throw failed(what, 'EEXIST');
    const inode = new MemInode();
    this.#names.create(path, inode);
    this.#enter(what);
    return this.#file(path, inode);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#alive(`rename ${from}`);
    this.#inode(from, 'rename');
    this.#names.rename(from, to);
    await this.#operation(`rename ${from} to ${to}`);
  }

  async link(from: string, to: string): Promise<boolean> {
    const what = `link ${to} to ${from}`;
    this.#alive(what);
    this.#inode(from, 'link');
    if (this.#names.get(to) !== undefined) throw failed(what, 'EEXIST');
    this.#names.link(from, to);
    await this.#operation(what);
    return true;
  }

  async unlink(path: string): Promise<void> {
    this.#alive(`unlink ${path}`);
    this.#inode(path, 'unlink');
    this.#names.unlink(path);
    await this.#operation(`unlink ${path}`);
  }

  unlinkSync(path: string): void {
    this.#alive(`unlink ${path}`);
    this.#inode(path, 'unlink');
    this.#names.unlink(path);
    this.#enter(`unlink ${path}`);
  }

  freeBytes(directory: string): number {
    this.#alive(`measure ${directory}`);
    return this.#room();
  }

  async removeDirectory(directory: string): Promise<void> {
    const what = `remove ${directory}`;
    this.#alive(what);
    const isEmpty = [...this.#names.paths()].every((path) => dirname(path) !== directory);
    if (!isEmpty) throw failed(what, 'ENOTEMPTY');
    await this.#operation(what);
    this.#removed.add(directory);
  }

  async syncDirectory(directory: string): Promise<void> {
    const covered = this.#names.mark(directory);
    const fails = this.#fails('failFlush', `flush ${directory}`);
    await this.#operation(`flush ${directory}`);
    if (this.#removed.has(directory)) throw failed(`flush ${directory}`, 'ENOENT');
    if (fails) throw failed(`flush ${directory}`, 'EIO');
    this.#names.flush(directory, covered);
  }

  async lock(directory: string): Promise<VfsLock> {
    await this.#operation(`lock ${directory}`);
    if (this.#locks.has(directory)) {
      throw new DleError('DLE_LOCKED', `${directory} is in use`, { retryable: true });
    }
    this.#locks.add(directory);
    const life = this.#life;
    return {
      release: async () => {
        if (life === this.#life) this.#locks.delete(directory);
      },
    };
  }

  #file(path: string, inode: MemInode): VfsFile {
    const life = this.#life;
    const check = (what: string): void => this.#alive(`${what} ${path}`, life);
    const file = new MemFile(path, inode, {
      check,
      enter: (what) => {
        check(what);
        this.#enter(`${what} ${path}`);
      },
      room: () => this.#room(),
      progress: (bytes) => this.#progress(bytes, `write ${path}`),
      due: (fault) => this.#failsFile(fault, path),
      turn: () => new Promise((resolve) => this.#components.clock.defer(resolve)),
      closed: (closed) => this.#open.delete(closed),
    });
    this.#open.add(file);
    return file;
  }

  #stop(kind: MemEnd['kind'], operation: string | undefined): void {
    this.#end = { kind, operation, previous: this.#lastOperation };
    this.#faults = {};
    this.#locks.clear();
    this.#open.clear();
  }

  #room(): number {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return this.capacityBytes;
    return this.capacityBytes - this.usedBytes;
  }

  /** Of a write that is not to come to its end: how many of its `bytes` it gets done. */
  #progress(bytes: number, what: string): number {
    const { failWrite, killAtOperation } = this.#faults;
    const isKilled = killAtOperation === 1 && this.#counts(what);
    if (failWrite !== 1 && !isKilled) return bytes;
    return randomBelow(this.#components.random, bytes + 1);
  }

  #inode(path: string, operation: VfsOperation = 'open'): MemInode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw failed(`${operation} ${path}`, 'ENOENT');
    return inode;
  }

  /** One asynchronous operation on names: it may complete, or the machine crash, after its turn. */
  async #operation(what: string): Promise<void> {
    this.#enter(what);
    const life = this.#life;
    await new Promise<void>((resolve) => this.#components.clock.defer(resolve));
    this.#alive(what, life);
  }

  /**
   * Counts an operation; here the machine crashes, or the process is killed, if that is planned.
   */
  #enter(what: string): void {
    this.#alive(what);
    this.operations++;
    if (this.#counts(what)) {
      if (this.#isDue('crashAtOperation')) this.#crash(what);
      else if (this.#isDue('killAtOperation')) this.#stop('kill', what);
    }
    this.#lastOperation = what;
    this.#alive(what);
  }

  /** Whether the machine is up, and, for what began before, still the same life of it. */
  #alive(what: string, life: number = this.#life): void {
    if (this.down) throw failed(what, 'the process is gone');
    if (life !== this.#life) throw failed(what, 'the process that began it is gone');
  }

  #counts(what: string): boolean {
    const { counts } = this.#faults;
    return counts === undefined || counts(what, this.#lastOperation);
  }

  #failsFile(fault: MemFileFault, path: string): boolean {
    const [verb, always] = {
      failRead: ['read', this.unreadable] as const,
      failWrite: ['write', this.unwritable] as const,
      failFlush: ['flush', this.unflushable] as const,
    }[fault];
    return this.#fails(fault, `${verb} ${path}`, always?.(path));
  }

  #fails(fault: MemFileFault, what: string, always = false): boolean {
    const fails = this.#isDue(fault) || always;
    if (fails) this.#failures.push(what);
    return fails;
  }

  #isDue(fault: Exclude<keyof MemFaults, 'counts'>): boolean {
    const left = this.#faults[fault];
    if (left === undefined) return false;
    this.#faults[fault] = left - 1;
    return left === 1;
  }
}

function failed(what: string, why: string): DleError {
  const cause = Object.assign(new Error(why), { code: why });
  const [operation = ''] = what.split(' ', 1);
  return new DleError('DLE_IO', `${what}: ${why}`, { cause, details: { operation } });
}
