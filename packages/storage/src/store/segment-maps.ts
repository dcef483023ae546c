import { offsetOf, type Position, type SegmentSlots, slotOf } from '../key-index/position.js';
import type { SegmentFiles } from '../log/segment-files.js';
import type { Lookup } from '../native/lookup.js';
import type { VfsFile } from '../vfs/vfs.js';

/**
 * Segments mapped at a time, at most: half of what Linux lets a process have. What is not mapped is
 * read by `pread`.
 */
const MAX_MAPS = 32_768;

/** Files open for recovery at a time. Records in other segments are looked at in TypeScript. */
const MAX_LENT = 128;

/**
 * The maps of segments, made when a record in them is first read. That of the segment which is
 * being written reaches beyond the end of its file; nothing is read there, for a position is known
 * only of what has been written, into space that was taken for real. So no read meets a hole.
 */
export class SegmentMaps {
  readonly #lookup: Lookup;
  readonly #files: SegmentFiles;
  readonly #slots: SegmentSlots;
  readonly #segmentSize: number;
  /** By slot: the bytes mapped; 0 where none are, and none are going to be. */
  readonly #sizes: (number | undefined)[] = [];
  readonly #shown: (ArrayBuffer | undefined)[] = [];
  #count = 0;
  /** While the store recovers: files lent to C, by slot. Afterwards there are maps. */
  #lent: Map<number, VfsFile> | undefined = new Map();

  /** `segmentSize`: of segments that are being written. */
  constructor(
    components: {
      readonly lookup: Lookup;
      readonly files: SegmentFiles;
      readonly slots: SegmentSlots;
    },
    segmentSize: number,
  ) {
    this.#lookup = components.lookup;
    this.#files = components.files;
    this.#slots = components.slots;
    this.#segmentSize = segmentSize;
  }

  /** Makes the record at `position` one that C can read. Whether that has changed anything. */
  cover(position: Position): boolean {
    const slot = slotOf(position);
    if (this.#lent !== undefined) return this.#lend(slot, this.#lent);
    const mapped = this.#sizes[slot];
    if (mapped !== undefined && offsetOf(position) < mapped) return false;
    if (mapped === 0 || (mapped === undefined && this.#count >= MAX_MAPS)) return false;
    const file = this.#files.get(this.#slots.segmentAt(slot));
    if (file.descriptor === undefined) return false;
    const size = Math.max(file.size(), this.#segmentSize);
    if (size <= (mapped ?? 0)) return false;
    if (mapped === undefined) this.#count++;
    return this.#map(slot, file, size);
  }

  /** Recovery is over: maps are made from now on. */
  async begin(): Promise<void> {
    const lent = this.#lent ?? [];
    this.#lent = undefined;
    for (const [slot, file] of lent) {
      this.#lookup.lend(slot, -1);
      await file.close();
    }
  }

  #lend(slot: number, lent: Map<number, VfsFile>): boolean {
    if (lent.has(slot) || lent.size >= MAX_LENT) return false;
    const file = this.#files.open(this.#slots.segmentAt(slot));
    lent.set(slot, file);
    if (file.descriptor === undefined) return false;
    this.#lookup.lend(slot, file.descriptor);
    return true;
  }

  /**
   * The bytes of the segment at `slot`, up to `end` at least; `undefined` where buffers of maps are
   * not to be had. The file may have grown since the last one was made: then it is mapped again.
   */
  bufferOf(slot: number, end: number): ArrayBuffer | undefined {
    const shown = this.#shown[slot];
    // One that somebody has detached, to give it to another thread, is empty.
    if (shown !== undefined && end <= shown.byteLength) return shown;
    const file = this.#files.get(this.#slots.segmentAt(slot));
    const size = file.size();
    if (shown !== undefined) this.#map(slot, file, Math.max(size, this.#segmentSize));
    const buffer = this.#lookup.show(slot, Math.min(size, this.#sizes[slot] ?? 0));
    this.#shown[slot] = buffer;
    return buffer !== undefined && end <= buffer.byteLength ? buffer : undefined;
  }

  /** The segment at `slot` is gone. Views of it stay as they are. */
  forget(slot: number): void {
    const mapped = this.#sizes[slot];
    if (mapped === undefined) return;
    this.#count--;
    this.#lookup.unmap(slot);
    this.#sizes[slot] = undefined;
    this.#shown[slot] = undefined;
  }

  #map(slot: number, file: VfsFile, size: number): boolean {
    const failed = this.#lookup.map(slot, file.descriptor!, size) !== 0;
    this.#sizes[slot] = failed ? 0 : size;
    this.#shown[slot] = undefined;
    return !failed;
  }

  /** Unmaps all that nobody has a view of. A store that fails while it recovers has files lent. */
  close(): void {
    // What was only read may fail to be closed: that changes nothing.
    this.begin().catch(() => {});
    this.#lookup.release();
    this.#shown.length = 0;
  }
}
