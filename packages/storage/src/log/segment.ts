import { join } from 'node:path';
import { assert, isDleError } from '@dle/common';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { segmentName } from './segment-header.js';

/**
 * Space is taken in steps of this many bytes: large enough to be rare, small enough not to be
 * noticed while zeros are written.
 */
export const RESERVE_STEP_BYTES: number = 1024 * 1024;
/** Of space that the system sets aside without writing: longer runs on the disk, fewer calls. */
const SET_ASIDE_STEP_BYTES: number = 4 * 1024 * 1024;

/** Bytes taken at a time, at most, of a segment of `capacity`: little of what is small. */
export function stepBytes(capacity: number): number {
  const part = Math.max(RESERVE_STEP_BYTES, Math.ceil(capacity / 4));
  return Math.min(capacity, part, SET_ASIDE_STEP_BYTES);
}
/**
 * Space that was only set aside is filled with zeros this many bytes ahead of what is written: on
 * ext4 the flush of a small write into it takes half as long again without. A large write goes into
 * it as it is, or else everything would be written to the disk twice.
 */
const FILL_STEP_BYTES = 256 * 1024;
const LARGE_WRITE_BYTES = 32 * 1024;
const ZEROS: Uint8Array = new Uint8Array(FILL_STEP_BYTES);

/**
 * The file that the log is writing. Its space is taken before it is needed: what was accepted can
 * then be written even on a full disk, and flushing it does not grow the file, which would make
 * every flush dearer.
 *
 *     written          | filled with zeros | set aside  |
 *     0           tail                  #filled     #reserved       capacity
 */
export class Segment {
  readonly id: number;
  readonly path: string;
  /** Where it is full; an entry that is larger than a segment gets one of its own size. */
  capacity: number;
  readonly #file: VfsFile;
  #reserved: number;
  /** Zeros are never written before it: all that was written lies there. */
  #filled: number;
  #step: number = RESERVE_STEP_BYTES;

  private constructor(id: number, capacity: number, file: VfsFile) {
    this.id = id;
    this.path = file.path;
    this.capacity = capacity;
    this.#file = file;
    this.#reserved = file.size();
    this.#filled = this.#reserved;
  }

  /** Makes the file; its directory entry has yet to be flushed. Throws `DLE_DISK_FULL`. */
  static create(vfs: Vfs, directory: string, id: number, capacity: number): Segment {
    return new Segment(id, capacity, vfs.createSync(join(directory, segmentName(id))));
  }

  /** Opens the last segment of a log that was closed cleanly, to go on in it. */
  static reopen(vfs: Vfs, directory: string, id: number, capacity: number): Segment {
    const file = vfs.openSync(join(directory, segmentName(id)));
    return new Segment(id, Math.max(capacity, file.size()), file);
  }

  /** Bytes of the file. */
  get reserved(): number {
    return this.#reserved;
  }

  /**
   * Takes the space up to `end`. Throws `DLE_DISK_FULL`; nothing written before has changed then.
   */
  reserve(end: number): void {
    assert(end <= this.capacity, `segment ${this.id} ends at ${this.capacity}, before ${end}`);
    if (this.#reserved < end) this.#allocate(end - this.#reserved);
    if (this.#filled < end) this.#fill(end);
  }

  /** More than `needed`, if there is room on the disk. */
  #allocate(needed: number): void {
    const step = Math.min(Math.max(needed, this.#step), this.capacity - this.#reserved);
    try {
      this.#allocateExactly(step);
    } catch (thrown) {
      if (step === needed || !isDleError(thrown, 'DLE_DISK_FULL')) throw thrown;
      this.#allocateExactly(needed);
    }
  }

  #allocateExactly(length: number): void {
    const isFilled = this.#file.allocateSync(this.#reserved, length);
    this.#reserved += length;
    if (isFilled) this.#filled = this.#reserved;
    this.#step = isFilled ? RESERVE_STEP_BYTES : stepBytes(this.capacity);
  }

  #fill(end: number): void {
    if (end - this.#filled < LARGE_WRITE_BYTES) {
      const length = Math.min(FILL_STEP_BYTES, this.#reserved - this.#filled);
      this.#file.writeSync([ZEROS.subarray(0, length)], this.#filled);
      this.#filled += length;
    } else {
      this.#filled = end;
    }
  }

  /** Into space that was reserved. */
  write(parts: readonly Uint8Array[], position: number): void {
    const end = parts.reduce((sum, part) => sum + part.length, position);
    assert(end <= this.#filled, `segment ${this.id} was not reserved up to ${end}`);
    this.#file.writeSync(parts, position);
  }

  datasync(): Promise<void> {
    return this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
