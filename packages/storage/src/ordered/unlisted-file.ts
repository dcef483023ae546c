import { allocate } from '../bytes.js';
import { SORTED_HEADER_BYTES } from '../directory/sorted-segment.js';
import { corrupt } from '../errors.js';
import type { SegmentSlots } from '../key-index/position.js';
import type { Extent } from '../log/dead-extents.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { SEGMENT_HEADER_BYTES } from '../log/segment-header.js';
import type { GatherKeys } from './gather-keys.js';
import type { MemoryRun } from './memory-run.js';
import { reading, type Wait, type Work } from './work.js';

/** Runs are merged when so many of them are about as large together as the one before them. */
const MERGED_RUNS = 8;

/** Bytes that are gathered in the time in which a file is opened. */
const OPENING_BYTES = 16 * 1024;

export interface UnlistedComponents {
  readonly files: SegmentFiles;
  readonly slots: SegmentSlots;
  readonly gather: GatherKeys;
  /** Where in a file replaced entries lie. */
  readonly dead: (file: number) => readonly Extent[];
  /** Lets others have the thread for a moment. */
  readonly pause: Wait;
  /** What has been gathered since the last pause, from all files together. */
  readonly unpaused: { bytes: number };
}

/** The keys of the records of a file up to some place, for views that want just those. */
export interface Mark {
  readonly end: number;
  /** Once they have been read. */
  runs: readonly MemoryRun[] | undefined;
  users: number;
}

/**
 * A file of records that has no key directory (yet): the segment that is being written, one that
 * was just sealed, one whose directory is damaged. Its keys are read from the file itself, when a
 * view wants them and as far as it does, into small sorted runs, which are merged as they become
 * many. The runs of a view never change: what is read later makes runs of its own.
 */
export class UnlistedFile {
  readonly id: number;
  readonly #components: UnlistedComponents;
  /** Read so far; the next frame begins at `#frameEnd`. */
  #offset: number;
  #frameEnd: number;
  #runs: readonly MemoryRun[] = [];
  /** Those that wait to be read, by rising ends. */
  readonly #waiting: Mark[] = [];
  #latest: Mark | undefined;
  #merging = false;
  /** What it takes to open it, until that is accounted for. */
  #openingBytes = OPENING_BYTES;

  /** `sorted`: not of the log, so there are no frames in it. */
  constructor(components: UnlistedComponents, id: number, sorted: boolean) {
    this.#components = components;
    this.id = id;
    this.#offset = sorted ? SORTED_HEADER_BYTES : SEGMENT_HEADER_BYTES;
    this.#frameEnd = sorted ? Number.POSITIVE_INFINITY : this.#offset;
  }

  /** Of memory. */
  get bytes(): number {
    return this.#runs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** To read up to `end`, which is at or behind that of every mark before. */
  mark(end: number): Mark {
    const latest = this.#latest;
    if (latest?.end === end) {
      latest.users++;
      return latest;
    }
    const mark: Mark = { end, runs: undefined, users: 1 };
    this.#latest = mark;
    this.#waiting.push(mark);
    return mark;
  }

  /** One who wanted it does not any more. */
  release(mark: Mark): void {
    if (--mark.users > 0 || mark.runs !== undefined) return;
    const place = this.#waiting.indexOf(mark);
    if (place >= 0) this.#waiting.splice(place, 1);
    if (this.#latest === mark) this.#latest = undefined;
  }

  /** The runs that hold exactly what lies before `mark`. Throws `DLE_CORRUPT`, `DLE_IO`. */
  *runsOf(mark: Mark): Work<readonly MemoryRun[]> {
    while (mark.runs === undefined) {
      const next = this.#waiting[0]!;
      if (this.#offset < next.end) {
        yield* this.#readOn(next.end);
        yield* this.#mergeSome();
      } else {
        next.runs = this.#runs;
        this.#waiting.shift();
      }
    }
    return mark.runs;
  }

  /** All keys up to `end` in one run; `undefined` if there are none. */
  *whole(end: number): Work<MemoryRun | undefined> {
    const { gather, slots, pause } = this.#components;
    const runs = yield* this.runsOf(this.mark(end));
    if (runs.length < 2) return runs[0];
    return yield* gather.merge(runs, slots.slotOf(this.id), pause);
  }

  /** Reads one piece, unless somebody else has done so meanwhile. */
  *#readOn(markEnd: number): Work<void> {
    const { files, slots, gather, dead, pause, unpaused } = this.#components;
    const { id } = this;
    const [offset, frameEnd] = [this.#offset, this.#frameEnd];
    const replaced = dead(id).find(({ to }) => to > offset);
    if (replaced !== undefined && replaced.from <= offset) {
      this.#offset = replaced.to;
      this.#frameEnd = replaced.to;
      return;
    }
    const end = Math.min(markEnd, replaced?.from ?? markEnd);
    const path = files.pathOf(id);
    const slot = slots.slotOf(id);
    let wanted = gather.pieceBytes;
    for (;;) {
      const length = Math.min(wanted, end - offset);
      let bytes = gather.readNow(files.get(id), length, offset);
      let count = length;
      if (bytes === undefined) {
        bytes = allocate(length);
        count = yield* reading(() => files.get(id), bytes, offset);
      }
      if (this.#offset !== offset) return;
      if (count < length) throw corrupt({ name: path, offset }, count, 'the file ends here');
      const found = gather.gather({ bytes, offset, path, file: id, slot, frameEnd });
      if (found.end > offset) {
        this.#offset = found.end;
        this.#frameEnd = found.frameEnd;
        if (found.run !== undefined) this.#runs = [...this.#runs, found.run];
        unpaused.bytes += found.end - offset + this.#openingBytes;
        this.#openingBytes = 0;
        if (unpaused.bytes < gather.pieceBytes) return;
        unpaused.bytes = 0;
        yield pause;
        return;
      }
      // A record that is larger than a piece.
      if (wanted >= end - offset) throw corrupt({ name: path, offset }, 0, 'the record is cut off');
      wanted = found.needed;
    }
  }

  /**
   * Merges the newest runs if they are many, and not small beside the one before: then a record is
   * merged a few times in its life, and there are never more than some dozen runs.
   */
  *#mergeSome(): Work<void> {
    const runs = this.#runs;
    let from = runs.length;
    let keys = 0;
    while (from > 0 && (from > runs.length - 2 || runs[from - 1]!.keys <= keys)) {
      keys += runs[--from]!.keys;
    }
    if (runs.length - from < MERGED_RUNS || this.#merging) return;
    this.#merging = true;
    try {
      const { gather, slots, pause } = this.#components;
      const merged = yield* gather.merge(runs.slice(from), slots.slotOf(this.id), pause);
      // Others may have come meanwhile.
      this.#runs = [...runs.slice(0, from), merged, ...this.#runs.slice(runs.length)];
      this.#latest = undefined;
    } finally {
      this.#merging = false;
    }
  }
}
