import { tooManySegments } from '../errors.js';
import { MAX_SEGMENTS } from '../limits.js';
import type { Vfs } from '../vfs/vfs.js';
import { FRAME_HEADER_BYTES } from './frame.js';
import { Segment } from './segment.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';

/** A frame holds no more than this, unless one entry does: recovery reads a frame in one piece. */
const MAX_FRAME_RECORD_BYTES = 1024 * 1024;

/** Room that `reserve` adds: for a vote, the empty entry of a new leader, an idle frame. */
const SMALL_FRAMES_BYTES = 1_024;

/**
 * Bytes that stay free behind a frame: behind records an idle frame always fits, and behind that
 * the frame of a clean close, of 64 bytes each. So a log can say that it is flushed without a new
 * segment.
 */
export const RoomBehind = {
  records: 128,
  idle: 64,
  cleanClose: 0,
} as const;
export type RoomBehind = (typeof RoomBehind)[keyof typeof RoomBehind];

/** What is to be placed: pieces that may not be torn apart. */
export interface Pieces {
  readonly count: number;
  bytesOf(piece: number): number;
}

/** Where a run of pieces will lie. */
export interface Placement {
  readonly segment: Segment;
  /** The segment begins with this one: header, and a frame of local state, come first. */
  readonly opensSegment: boolean;
  /** Whether a frame begins; else the open one goes on. */
  readonly opensFrame: boolean;
  /** Of the records in the segment, behind the header of the frame if one begins. */
  readonly offset: number;
  readonly fromPiece: number;
  /** Not included. */
  toPiece: number;
  bytes: number;
}

/** The segments of a directory, whoever writes them: their ids, their number, their bytes. */
export interface SegmentAccounts {
  /** The highest id that there has been. */
  readonly lastId: number;
  takeId(): number;
  adjust(segments: number, bytes: number): void;
}

export interface SegmentSpaceOptions {
  readonly directory: string;
  /** Bytes of the next segment. */
  readonly nextSegmentBytes: () => number;
  /** Id of the next segment to be made. */
  readonly nextSegment: number;
  /** The segments there are: how many, and their bytes together. */
  readonly segments: number;
  readonly segmentBytes: number;
}

/**
 * Decides, when something is accepted, where it will lie, and takes the space for it at once. A
 * plan that fails for want of space leaves nothing behind but zeros, and perhaps an empty file that
 * the next segment will be written into.
 */
export class SegmentSpace implements SegmentAccounts {
  readonly #vfs: Vfs;
  readonly #options: SegmentSpaceOptions;
  /** Being written; none before the first write after an unclean stop. */
  #segment: Segment | undefined;
  /** Behind the last byte placed in it. */
  #tail = 0;
  /** Bytes of records in the open frame; infinite if there is none that could go on. */
  #openBytes = Number.POSITIVE_INFINITY;
  #nextSegment: number;
  /** Made for plans that failed. */
  #spares: Segment[] = [];
  #segments: number;
  /** What comes next begins a segment, however much room there is. */
  #endsHere = false;
  /** Of all segments but the present one. */
  #fullBytes: number;

  constructor(vfs: Vfs, options: SegmentSpaceOptions) {
    this.#vfs = vfs;
    this.#options = options;
    this.#nextSegment = options.nextSegment;
    this.#segments = options.segments;
    this.#fullBytes = options.segmentBytes;
  }

  get segments(): number {
    return this.#segments;
  }

  /** Of all segments together, with the space taken in advance. */
  get bytes(): number {
    return this.#fullBytes + (this.#segment?.reserved ?? 0);
  }

  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Goes on in the last segment of a log that was closed cleanly. */
  resume(segment: Segment, tail: number): void {
    this.#segment = segment;
    this.#tail = tail;
    this.#fullBytes -= segment.reserved;
  }

  /** What comes next begins a frame of its own. */
  closeFrame(): void {
    this.#openBytes = Number.POSITIVE_INFINITY;
  }

  /** The highest id that has been given to a segment. */
  get lastId(): number {
    return this.#nextSegment - 1;
  }

  /** An id above all others, for a segment that is no part of the log. Throws `DLE_TOO_MANY_SEGMENTS`. */
  takeId(): number {
    if (this.#segments >= MAX_SEGMENTS) throw tooManySegments(this.#options.directory);
    return this.#nextSegment++;
  }

  /** Segments have come, or gone, that are not written here. */
  adjust(segments: number, bytes: number): void {
    this.#segments += segments;
    this.#fullBytes += bytes;
  }

  /** What comes next begins a segment. */
  endSegment(): void {
    this.#endsHere = this.#segment !== undefined;
  }

  /** Whether an idle frame fits into the present segment, and behind it that of a clean close. */
  hasRoomForIdleFrame(): boolean {
    const end = this.#tail + FRAME_HEADER_BYTES + RoomBehind.idle;
    return this.#segment !== undefined && end <= this.#segment.capacity;
  }

  /**
   * Finds a place for all `pieces`, with room behind it. `headBytes`: of the local state that a new
   * segment begins with. Throws `DLE_DISK_FULL`; nothing has changed then.
   */
  place(pieces: Pieces, headBytes: number, behind: RoomBehind): Placement[] {
    const placements: Placement[] = [];
    let segment = this.#segment;
    let offset = this.#tail;
    let openBytes = this.#openBytes;
    let taken = 0;
    for (let piece = 0; piece < pieces.count; piece++) {
      const bytes = pieces.bytesOf(piece);
      let opensFrame = openBytes + bytes > MAX_FRAME_RECORD_BYTES;
      let needed = bytes + (opensFrame ? FRAME_HEADER_BYTES : 0);
      const isFull = segment === undefined || offset + needed + behind > segment.capacity;
      const opensSegment = isFull || (this.#endsHere && taken === 0);
      if (opensSegment) {
        if (placements.length > 0) segment!.reserve(Math.min(offset + behind, segment!.capacity));
        opensFrame = true;
        needed = bytes + FRAME_HEADER_BYTES;
        offset = SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + headBytes;
        segment = this.#take(taken++, offset + needed + behind);
      }
      const present = placements.at(-1);
      if (!opensFrame && present !== undefined) {
        present.toPiece++;
        present.bytes += bytes;
      } else {
        placements.push({
          segment: segment!,
          opensSegment,
          opensFrame,
          offset: offset + needed - bytes,
          fromPiece: piece,
          toPiece: piece + 1,
          bytes,
        });
      }
      openBytes = opensFrame ? bytes : openBytes + bytes;
      offset += needed;
    }
    segment?.reserve(Math.min(offset + behind, segment.capacity));
    for (const begun of this.#spares.splice(0, taken)) {
      this.#fullBytes = this.bytes;
      this.#segments++;
      this.#segment = begun;
    }
    this.#tail = offset;
    this.#openBytes = openBytes;
    this.#endsHere = false;
    return placements;
  }

  /**
   * Takes the space for records of `bytes` in all, however they will be framed, and a few small
   * frames more, without placing anything. Throws `DLE_DISK_FULL`.
   */
  reserve(bytes: number, headBytes: number): void {
    // Any two frames in a row hold more than one frame may.
    const frames = 2 + 2 * Math.ceil(bytes / MAX_FRAME_RECORD_BYTES);
    const needed = bytes + frames * FRAME_HEADER_BYTES + SMALL_FRAMES_BYTES;
    const segment = this.#segment;
    const end = this.#tail + needed;
    segment?.reserve(Math.min(end, segment.capacity));
    if (segment !== undefined && end <= segment.capacity) return;
    // What does not fit behind the tail may go into the next segment as a whole: it is made large
    // enough.
    const begin = SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + headBytes;
    this.#take(0, begin + needed).reserve(begin + needed);
  }

  async close(): Promise<void> {
    await Promise.all(this.#spares.map((spare) => spare.close()));
    this.#spares = [];
  }

  /**
   * The segment after the present one and `ahead` others; as large as is usual, or of `bytes` if
   * that is more.
   */
  #take(ahead: number, bytes: number): Segment {
    const capacity = Math.max(this.#options.nextSegmentBytes(), bytes);
    const spare = this.#spares[ahead];
    if (spare !== undefined) {
      spare.capacity = Math.max(spare.capacity, capacity);
      return spare;
    }
    if (this.#segments + ahead >= MAX_SEGMENTS) throw tooManySegments(this.#options.directory);
    const made = Segment.create(this.#vfs, this.#options.directory, this.#nextSegment, capacity);
    this.#nextSegment++;
    this.#spares.push(made);
    return made;
  }
}
