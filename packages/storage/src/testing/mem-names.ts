import { dirname } from 'node:path';
import { type Random, randomBelow } from '@dle/common';
import type { MemInode } from './mem-inode.js';
import { Unflushed } from './unflushed.js';

/**
 * What a directory has been told since it was last flushed. A rename is atomic: both names or
 * neither.
 */
interface NameChange {
  readonly removes?: string;
  readonly adds?: string;
  readonly inode: MemInode;
}

/** The names of files twice: as programs see them, and as the device holds them. */
export class MemNames {
  #seen = new Map<string, MemInode>();
  readonly #device = new Map<string, MemInode>();
  readonly #unflushed = new Map<string, Unflushed<NameChange>>();

  get(path: string): MemInode | undefined {
    return this.#seen.get(path);
  }

  paths(): IterableIterator<string> {
    return this.#seen.keys();
  }

  inodes(): IterableIterator<MemInode> {
    return this.#seen.values();
  }

  create(path: string, inode: MemInode): void {
    this.#change({ adds: path, inode });
  }

  link(from: string, to: string): void {
    this.#change({ adds: to, inode: this.#seen.get(from)! });
  }

  rename(from: string, to: string): void {
    this.#change({ removes: from, adds: to, inode: this.#seen.get(from)! });
  }

  unlink(path: string): void {
    this.#change({ removes: path, inode: this.#seen.get(path)! });
  }

  /** Marks the changes that a flush of `directory` that begins now would cover. */
  mark(directory: string): number {
    return this.#unflushed.get(directory)?.mark() ?? 0;
  }

  /** The changes before `mark` reach the device. */
  flush(directory: string, mark: number): void {
    for (const change of this.#unflushed.get(directory)?.takeTo(mark) ?? []) {
      apply(change, this.#device);
    }
  }

  /** Of the changes not flushed any may be lost, each on its own. */
  crash(random: Random): void {
    for (const changes of this.#unflushed.values()) {
      for (const change of changes.takeTo(changes.mark())) {
        if (randomBelow(random, 2) === 0) apply(change, this.#device);
      }
    }
    this.#seen = new Map(this.#device);
  }

  #change(change: NameChange): void {
    apply(change, this.#seen);
    const directory = dirname((change.adds ?? change.removes)!);
    const changes = this.#unflushed.get(directory) ?? new Unflushed();
    changes.push(change);
    this.#unflushed.set(directory, changes);
  }
}

function apply(change: NameChange, names: Map<string, MemInode>): void {
  if (change.removes !== undefined) names.delete(change.removes);
  if (change.adds !== undefined) names.set(change.adds, change.inode);
}
