import { join } from 'node:path';
import type { Vfs } from '../vfs/vfs.js';

export const RESERVE_NAME = 'reserve';

/** Taken at a time: others have the thread between two. */
const STEP_BYTES = 4 * 1024 * 1024;

/** It is made larger when it should be so many times as large as it is, and smaller as well. */
const GROWTH = 1.25;
const SHRINKAGE = 2;

/** How much is set aside, in bytes. */
export interface ReserveSizes {
  /** For outputs of compaction, their directories, and the manifest. */
  readonly compaction: number;
  /** For deletes, beyond that. */
  readonly deletes: number;
}

/**
 * Room on the disk that is set aside for a time when there is none left: for deletes, and for
 * compaction, which needs some before it can give any back. It is a file of nothing. Once it is
 * released, no key is put until it has been set aside again, or else the puts would take it; and
 * deletes leave alone what compaction needs.
 */
export class DiskReserve {
  /** As large as it should be now. */
  readonly #wanted: () => ReserveSizes;
  /** As large as it is, or was when it was released. */
  #sizes: ReserveSizes;
  readonly #vfs: Vfs;
  readonly #pause: () => Promise<void>;
  readonly #directory: string;
  readonly #path: string;
  #state: 'none' | 'held' | 'released' = 'none';
  #restoring: Promise<boolean> | undefined;

  constructor(
    { vfs, pause }: { readonly vfs: Vfs; readonly pause: () => Promise<void> },
    directory: string,
    wanted: () => ReserveSizes,
  ) {
    this.#vfs = vfs;
    this.#pause = pause;
    this.#directory = directory;
    this.#path = join(directory, RESERVE_NAME);
    this.#wanted = wanted;
    this.#sizes = wanted();
  }

  /** Bytes of the file. */
  get bytes(): number {
    return sumOf(this.#sizes);
  }

  /** What compaction may count on now. */
  get forCompaction(): number {
    return this.#state === 'held' ? this.#sizes.compaction : this.#freeBytes();
  }

  /** Whether there is room for a delete. */
  get hasRoomForDeletes(): boolean {
    return this.#state !== 'released' || this.#freeBytes() >= this.bytes - this.#sizes.deletes / 2;
  }

  get isHeld(): boolean {
    return this.#state === 'held';
  }

  /** Whether it is held, and about as large as it should be: the store changes. */
  get isRight(): boolean {
    return this.isHeld && !this.#isTooLarge && this.bytes * GROWTH >= sumOf(this.#wanted());
  }

  get #isTooLarge(): boolean {
    return this.bytes > sumOf(this.#wanted()) * SHRINKAGE;
  }

  /** Whether a put of `bytes` would have to take room that it needs to be set aside again. */
  lacksRoomFor(bytes: number): boolean {
    const step = this.#sizes.deletes / 2;
    return this.#state === 'released' && this.#freeBytes() < this.bytes + bytes + step;
  }

  /** Finds the one that is there; what a crash has left of one is removed. Throws `DLE_IO`. */
  async open(): Promise<void> {
    let size: number;
    try {
      const file = this.#vfs.openSync(this.#path, { readOnly: true });
      size = file.size();
      await file.close();
    } catch {
      return;
    }
    this.#sizes = this.#wanted();
    if (size * GROWTH < this.bytes) return this.#vfs.unlink(this.#path);
    this.#sizes = { ...this.#sizes, compaction: size - this.#sizes.deletes };
    this.#state = 'held';
  }

  /** Gives it to who needs room now; false if there is nothing to give. */
  release(): boolean {
    if (this.#state !== 'held') return false;
    try {
      this.#vfs.unlinkSync(this.#path);
    } catch {
      return false;
    }
    this.#state = 'released';
    return true;
  }

  /** Sets it aside, as large as it should be, if there is room for it; whether it is held then. */
  restore(): Promise<boolean> {
    if (this.isRight) return Promise.resolve(true);
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = undefined;
    });
    return this.#restoring;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#restoring;
  }

  #freeBytes(): number {
    try {
      return this.#vfs.freeBytes(this.#directory);
    } catch {
      return 0;
    }
  }

  async #restore(): Promise<boolean> {
    const sizes = this.#wanted();
    // Another one takes its place, where there is no lack of room.
    if (this.isHeld && this.#isTooLarge && (this.#freeBytes() < this.bytes || !this.release())) {
      return true;
    }
    const isHeld = this.isHeld;
    const from = isHeld ? this.bytes : 0;
    const to = sumOf(sizes);
    // Not taken in part, which others would miss meanwhile.
    if (this.#freeBytes() < to - from) return isHeld;
    try {
      const file = isHeld ? this.#vfs.openSync(this.#path) : this.#vfs.createSync(this.#path);
      try {
        for (let at = from; at < to; at += STEP_BYTES) {
          file.allocateSync(at, Math.min(STEP_BYTES, to - at));
          await this.#pause();
        }
      } finally {
        await file.close();
      }
      // It may have been released while it grew.
      if (isHeld && !this.isHeld) return false;
      this.#sizes = sizes;
      this.#state = 'held';
      return true;
    } catch {
      // No room yet, or a disk that does not work: who writes to it is told.
      if (isHeld) return this.isHeld;
      await this.#vfs.unlink(this.#path).catch(() => undefined);
      return false;
    }
  }
}

function sumOf({ compaction, deletes }: ReserveSizes): number {
  return compaction + deletes;
}
