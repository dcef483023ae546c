import { type Clock, DleError } from '@dle/common';
import { closeAll } from '../close-all.js';
import type { Vfs } from '../vfs/vfs.js';
import { FlushWaiters } from './flush-waiters.js';
import { encodeFrameHeader, FRAME_HEADER_BYTES, frameChecksum } from './frame.js';
import { Listeners } from './listeners.js';
import type { LocalState } from './local-state.js';
import type { Segment } from './segment.js';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-header.js';
import { type Pieces, type Placement, type RoomBehind, SegmentSpace } from './segment-space.js';

/**
 * Accepted bytes that have not been written are bounded by this: above it they are written at once,
 * without waiting for the end of the turn or of a flush.
 */
const MAX_UNWRITTEN_BYTES = 16 * 1024 * 1024;

/** A segment to which nothing more is added. */
export interface SealedSegment {
  readonly id: number;
  /** Of the last frame in it, which is flushed, as is the first of the segment after it. */
  readonly lastSequence: number;
}

/** Accepted, not yet written. */
interface PendingFrame {
  readonly sequence: number;
  readonly segment: Segment;
  readonly opensSegment: boolean;
  /** Of its header in the segment. */
  readonly offset: number;
  readonly replacesFrom: number;
  readonly clean: boolean;
  readonly records: Uint8Array[];
  /**
   * Known when it was filled. Entries up to there are in this frame or before it, and never
   * replaced.
   */
  commit: number;
  length: number;
}

/** What is to be accepted. */
export interface Content {
  readonly pieces: Pieces;
  /** The bytes of the pieces `from` to `to`, `to` not included. */
  bytesOf(from: number, to: number): Uint8Array;
  readonly replacesFrom: number;
  readonly clean: boolean;
  /** Whether a frame that is being filled may take it, and later be filled further. */
  readonly sharesFrame: boolean;
  readonly durable: boolean;
  readonly behind: RoomBehind;
}

/** What the writer asks of the log when it writes. */
export interface WriterSource {
  /** The turn ends: append what has been gathered. */
  gather(): void;
  /** What a new segment begins with. */
  readonly localState: LocalState;
  commit(): number;
}

export interface LogWriterOptions {
  readonly directory: string;
  /** Bytes of the next segment. */
  readonly nextSegmentBytes: () => number;
  readonly storeId: string;
  /** Where the log ends: its last frame, which is flushed, and the id of the next segment. */
  readonly sequence: number;
  readonly checksum: number;
  readonly nextSegment: number;
  /** Id of the last segment there is; 0 if there is none. */
  readonly lastSegment: number;
  /** The segments there are: how many, and their bytes together. */
  readonly segments: number;
  readonly segmentBytes: number;
}

/**
 * Writes frames: places them when they are accepted, writes them when the turn ends, flushes them
 * with one flush under way at a time. Everything accepted is written in order and can be written; a
 * write or a flush that fails nevertheless ends all writing, for nobody knows what the device holds
 * then.
 */
export class LogWriter {
  readonly onFlushed: Listeners<number> = new Listeners();
  readonly onSubmitted: Listeners<number> = new Listeners();
  readonly onFailed: Listeners<DleError> = new Listeners();
  readonly onSealed: Listeners<SealedSegment> = new Listeners();
  readonly space: SegmentSpace;
  readonly #vfs: Vfs;
  readonly #clock: Clock;
  readonly #options: LogWriterOptions;
  readonly #source: WriterSource;
  readonly #waiters = new FlushWaiters();
  #accepted: number;
  #submitted: number;
  #flushed: number;
  /** Up to here somebody wants it flushed. */
  #wanted = 0;
  #rounds = 0;
  #rolledAt = 0;
  #checksum: number;
  #pending: PendingFrame[] = [];
  #pendingBytes = 0;
  /** Segments written to since the last flush began, in order. */
  #unflushed: Segment[] = [];
  /** Segments to which nothing more is added, but for which that is not yet on the device. */
  #sealing: SealedSegment[] = [];
  #lastSegment: number;
  /** Written to, or going to be, and not closed. */
  readonly #open = new Set<Segment>();
  /** Whether a file was made since the last flush began. */
  #newNames = false;
  #scheduled = false;
  #flushing = false;
  #failure: DleError | undefined;

  constructor(
    components: { readonly vfs: Vfs; readonly clock: Clock },
    options: LogWriterOptions,
    source: WriterSource,
  ) {
    this.#vfs = components.vfs;
    this.#clock = components.clock;
    this.#options = options;
    this.#source = source;
    this.#accepted = options.sequence;
    this.#submitted = options.sequence;
    this.#flushed = options.sequence;
    this.#checksum = options.checksum;
    this.#lastSegment = options.lastSegment;
    this.space = new SegmentSpace(components.vfs, options);
  }

  get accepted(): number {
    return this.#accepted;
  }

  get submitted(): number {
    return this.#submitted;
  }

  get flushed(): number {
    return this.#flushed;
  }

  /** Flush rounds so far. */
  get rounds(): number {
    return this.#rounds;
  }

  /**
   * Sequence of the frame with which the newest segment begins; 0 if none has begun since the
   * start.
   */
  get rolledAt(): number {
    return this.#rolledAt;
  }

  get lastSegment(): number {
    return this.#lastSegment;
  }

  get failure(): DleError | undefined {
    return this.#failure;
  }

  /** Accepts `content`, all or nothing, and says where it will lie. Throws `DLE_DISK_FULL`. */
  accept(content: Content): Placement[] {
    if (this.#pendingBytes > MAX_UNWRITTEN_BYTES) this.#write();
    if (!content.sharesFrame || content.replacesFrom > 0) this.space.closeFrame();
    if (this.space.segment !== undefined) this.#open.add(this.space.segment);
    const placements = this.space.place(
      content.pieces,
      this.#source.localState.bytes,
      content.behind,
    );
    for (const placement of placements) {
      this.#open.add(placement.segment);
      if (placement.opensSegment) this.#openSegment(placement.segment);
      if (placement.opensFrame) this.#openFrame(placement, content);
      const frame = this.#pending.at(-1)!;
      frame.records.push(content.bytesOf(placement.fromPiece, placement.toPiece));
      frame.length += placement.bytes;
      frame.commit = this.#source.commit();
      this.#pendingBytes += placement.bytes;
    }
    if (!content.sharesFrame) this.space.closeFrame();
    if (content.durable) this.#wanted = this.#accepted;
    this.schedule();
    return placements;
  }

  /** Has the end of this turn write what there is then. */
  schedule(): void {
    if (this.#scheduled || this.#failure !== undefined) return;
    this.#scheduled = true;
    // While a flush is under way the next round gathers; its end begins that round.
    if (!this.#flushing) this.#defer();
  }

  #defer(): void {
    this.#clock.defer(() => this.#endTurn());
  }

  /** Resolves when frame `sequence`, accepted before, is flushed. */
  whenFlushed(sequence: number): Promise<void> {
    if (sequence <= this.#flushed) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.wantFlushed(sequence);
    return this.#waiters.wait(sequence);
  }

  /** Has frame `sequence`, accepted before, flushed soon. */
  wantFlushed(sequence: number): void {
    this.#wanted = Math.max(this.#wanted, sequence);
    if (this.#wanted > this.#flushed) this.schedule();
  }

  /** After everything wanted is flushed, or has failed. */
  async close(): Promise<void> {
    this.#waiters.fail(new DleError('DLE_CLOSED', 'the log was closed'));
    if (this.space.segment !== undefined) this.#open.add(this.space.segment);
    const closers = [...this.#open].map((segment) => () => segment.close());
    await closeAll(...closers, () => this.space.close());
  }

  #openSegment(segment: Segment): void {
    // The full segment has to be flushed before anything in this one may count as flushed.
    this.#wanted = this.#accepted;
    if (this.#lastSegment > 0) {
      this.#sealing.push({ id: this.#lastSegment, lastSequence: this.#accepted });
    }
    this.#lastSegment = segment.id;
    this.#rolledAt = ++this.#accepted;
    this.#pending.push({
      sequence: this.#accepted,
      segment,
      opensSegment: true,
      offset: SEGMENT_HEADER_BYTES,
      replacesFrom: 0,
      clean: false,
      records: this.#source.localState.records(),
      commit: this.#source.commit(),
      length: this.#source.localState.bytes,
    });
  }

  #openFrame(placement: Placement, content: Content): void {
    this.#pending.push({
      sequence: ++this.#accepted,
      segment: placement.segment,
      opensSegment: false,
      offset: placement.offset - FRAME_HEADER_BYTES,
      replacesFrom: placement.fromPiece === 0 ? content.replacesFrom : 0,
      clean: content.clean,
      records: [],
      commit: 0,
      length: 0,
    });
  }

  #endTurn(): void {
    this.#source.gather();
    this.#scheduled = false;
    this.#write();
    if (this.#wanted > this.#flushed && this.#failure === undefined) void this.#flush();
  }

  /** Writes all frames that are pending, with one call per segment. */
  #write(): void {
    if (this.#pending.length === 0 || this.#failure !== undefined) return;
    const frames = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    frames.at(-1)!.commit = this.#source.commit();
    // What is being written goes no further.
    this.space.closeFrame();
    try {
      for (let first = 0; first < frames.length; ) first = this.#writeSegment(frames, first);
    } catch (thrown) {
      this.fail(thrown);
      return;
    }
    this.#submitted = frames.at(-1)!.sequence;
    this.onSubmitted.tell(this.#submitted);
  }

  /** Writes the frames from `first` on that lie in the same segment; returns the next one. */
  #writeSegment(frames: readonly PendingFrame[], first: number): number {
    const { segment, opensSegment, offset } = frames[first]!;
    const parts: Uint8Array[] = [];
    if (opensSegment) parts.push(this.#segmentHeader(frames[first]!));
    let next = first;
    for (; next < frames.length && frames[next]!.segment === segment; next++) {
      parts.push(this.#frameHeader(frames[next]!), ...frames[next]!.records);
    }
    if (this.#unflushed.at(-1) !== segment) this.#unflushed.push(segment);
    segment.write(parts, opensSegment ? 0 : offset);
    return next;
  }

  #segmentHeader(frame: PendingFrame): Uint8Array {
    this.#newNames = true;
    return encodeSegmentHeader({
      segment: frame.segment.id,
      firstSequence: frame.sequence,
      previousChecksum: this.#checksum,
      storeId: this.#options.storeId,
    });
  }

  #frameHeader(frame: PendingFrame): Uint8Array {
    const header = encodeFrameHeader({
      clean: frame.clean,
      segment: frame.segment.id,
      offset: frame.offset,
      length: frame.length,
      sequence: frame.sequence,
      flushed: this.#flushed,
      commit: frame.commit,
      replacesFrom: frame.replacesFrom,
      previousChecksum: this.#checksum,
    });
    this.#checksum = frameChecksum(header);
    return header;
  }

  /** One round: full segments first, the new one last, then the names of new files. */
  async #flush(): Promise<void> {
    this.#flushing = true;
    const sequence = this.#submitted;
    const segments = this.#unflushed;
    const newNames = this.#newNames;
    this.#unflushed = [];
    this.#newNames = false;
    try {
      for (const segment of segments) await segment.datasync();
      if (newNames) await this.#vfs.syncDirectory(this.#options.directory);
      for (const segment of [...this.#open]) {
        if (!this.#isFull(segment)) continue;
        this.#open.delete(segment);
        await segment.close();
      }
    } catch (thrown) {
      this.#flushing = false;
      this.fail(thrown);
      return;
    }
    this.#flushing = false;
    if (this.#failure !== undefined) return;
    this.#rounds++;
    this.#flushed = sequence;
    if (this.#scheduled) this.#defer();
    else if (this.#wanted > this.#flushed) this.schedule();
    this.onFlushed.tell(sequence);
    this.#waiters.flushed(sequence);
    this.#tellSealed();
  }

  /** Sealed is what is flushed to its end, and whose successor is begun on the device. */
  #tellSealed(): void {
    while (this.#sealing.length > 0 && this.#sealing[0]!.lastSequence < this.#flushed) {
      this.onSealed.tell(this.#sealing.shift()!);
    }
  }

  /** Whether nothing more will be written to it. */
  #isFull(segment: Segment): boolean {
    if (segment === this.space.segment || this.#unflushed.includes(segment)) return false;
    return !this.#pending.some((frame) => frame.segment === segment);
  }

  /** Ends all writing, for `thrown` has left in doubt what is on the device, or what it says. */
  fail(thrown: unknown): void {
    if (this.#failure !== undefined) return;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    this.#failure = new DleError(
      'DLE_STORAGE_POISONED',
      `nothing more is written, for a write or a flush failed and nobody knows what the disk holds: ${why}`,
      { cause: thrown, effect: 'unknown' },
    );
    this.onFailed.tell(this.#failure);
    this.#waiters.fail(this.#failure);
  }
}
