import { join } from 'node:path';
import { assert } from '@dle/common';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { segmentName } from './segment-header.js';

/**
 * Space is taken in steps of this many bytes: large enough to be rare, small enough not to be
 * noticed.
 */
export const RESERVE_STEP_BYTES: number = 1024 * 1024;
const ZEROS: Uint8Array = new Uint8Array(RESERVE_STEP_BYTES);

/**
 * The file that the log is writing. Its space is taken before it is needed, by writing zeros (Node
 * has no fallocate): what was accepted can then be written even on a full disk, and flushing it
 * does not grow the file, which would make every flush dearer.
 */
export class Segment {
  readonly id: number;
  readonly path: string;
  /** Where it is full; an entry that is larger than a segment gets one of its own size. */
  capacity: number;
  readonly #file: VfsFile;
  #reserved: number;

  private constructor(id: number, capacity: number, file: VfsFile) {
    this.id = id;
    this.path = file.path;
    this.capacity = capacity;
    this.#file = file;
    this.#reserved = file.size();
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
    while (this.#reserved < end) {
      const step = Math.min(RESERVE_STEP_BYTES, this.capacity - this.#reserved);
      this.#file.writeSync([ZEROS.subarray(0, step)], this.#reserved);
      this.#reserved += step;
    }
  }

  /** Into space that was reserved. */
  write(parts: readonly Uint8Array[], position: number): void {
    this.#file.writeSync(parts, position);
  }

  datasync(): Promise<void> {
    return this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
