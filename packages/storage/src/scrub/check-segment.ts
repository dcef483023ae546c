import { DleError } from '@dle/common';
import { nextFrame, unlessUnknown } from '../care/whole-records.js';
import { collectKeys } from '../directory/collect-keys.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import { ChunkReader, type ReadableFile } from '../log/chunk-reader.js';
import { FRAME_HEADER_BYTES, type ReadFrameHeader, readFrameHeader } from '../log/frame.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES } from '../log/segment-header.js';
import { type ChainEnd, type ScanEnd, scanSegment } from '../log/segment-scan.js';
import type { FoundDamage } from './found-damage.js';
import { READ_BYTES } from './paced-file.js';

/** A place that is damaged; how many entries that harms is seen at the next whole one. */
interface Open {
  readonly offset: number;
  readonly message: string;
  readonly first: number;
}

/**
 * Reads all frames of a sealed segment of the log, of which `known` is what its key directory said,
 * and notes every place that is damaged, with the entries that may be harmed. Throws `DLE_IO`.
 */
export class SegmentCheck {
  readonly #file: ReadableFile;
  readonly #reader: ChunkReader;
  readonly #known: DirectoryHeader;
  readonly #note: (damage: FoundDamage) => void;
  /** Verifies frames, in C if it can. */
  readonly #keys = collectKeys();
  #open: Open | undefined;
  #lastIndex: number;

  constructor(file: ReadableFile, known: DirectoryHeader, note: (damage: FoundDamage) => void) {
    this.#file = file;
    this.#reader = new ChunkReader(file, READ_BYTES);
    this.#known = known;
    this.#note = note;
    this.#lastIndex = known.firstIndex - 1;
  }

  async run(): Promise<void> {
    const { lastSequence, lastChecksum } = this.#known;
    let from = SEGMENT_HEADER_BYTES;
    let chain = await this.#begin();
    for (;;) {
      if (chain !== undefined) {
        const scan = await this.#scan(chain, from);
        if (scan.chain.sequence === lastSequence) {
          if (scan.chain.checksum !== lastChecksum) {
            this.#fail(scan.offset, 'it does not end as its key directory says', this.#next);
          }
          break;
        }
        from = await this.#failAt(scan);
        chain = scan.chain;
      }
      const above = chain?.sequence ?? 0;
      const next = await nextFrame(this.#reader, this.#place(from), from, (found) => {
        return this.#fits(found) && found.sequence > above && found.sequence <= lastSequence;
      });
      if (next === undefined) break;
      from = next.offset;
      chain = { sequence: next.sequence - 1, checksum: next.previousChecksum };
    }
    this.#close(this.#known.lastIndex);
  }

  /** Before the first frame; `undefined` if the segment does not begin as it should. */
  async #begin(): Promise<ChainEnd | undefined> {
    const { segment, storeId } = this.#known;
    const bytes = await this.#reader.read(0, SEGMENT_HEADER_BYTES);
    const header = unlessUnknown(() => readSegmentHeader(bytes, segment, this.#originAt(0)));
    if (header?.storeId === storeId) {
      return { sequence: header.firstSequence - 1, checksum: header.previousChecksum };
    }
    this.#fail(0, 'no header of a segment of this store', this.#next);
    return undefined;
  }

  #scan(chain: ChainEnd, from: number): Promise<ScanEnd> {
    return scanSegment(
      this.#reader,
      this.#place(from),
      chain,
      this.#known.lastSequence,
      ({ entries }) => {
        if (entries !== undefined) this.#pass(entries.firstIndex, entries.lastIndex);
      },
      (_, records, { offset }) => {
        const entries = this.#keys.addFrame(records, offset);
        this.#keys.release();
        if (entries !== undefined) this.#pass(entries.firstIndex, entries.lastIndex);
        return entries !== undefined;
      },
    );
  }

  /** Notes what has ended a scan; returns from where on there may be frames again. */
  async #failAt({ chain, offset, damage }: ScanEnd): Promise<number> {
    const bytes = await this.#reader.read(offset, FRAME_HEADER_BYTES);
    const place = { segment: this.#known.segment, origin: this.#originAt(offset) };
    const header = unlessUnknown(() => readFrameHeader(bytes, 0, place));
    const { details, message } = DleError.from(
      damage ?? new Error('a frame is damaged or missing'),
    );
    const at = damage === undefined ? offset : Number(details?.offset ?? offset);
    const follows =
      header?.sequence === chain.sequence + 1 && header.previousChecksum === chain.checksum;
    if (header !== undefined && follows && this.#fits(header)) {
      this.#fail(at, message, header.replacesFrom === 0 ? this.#next : header.replacesFrom);
      return offset + FRAME_HEADER_BYTES + header.length;
    }
    // It may have replaced entries of frames before it, unless there is nobody to replace any.
    const { firstIndex, lastTerm } = this.#known;
    this.#fail(at, message, lastTerm === 0 ? this.#next : firstIndex);
    return offset + 8;
  }

  get #next(): number {
    return this.#lastIndex + 1;
  }

  #fits({ offset, length }: ReadFrameHeader): boolean {
    return offset + FRAME_HEADER_BYTES + length <= this.#reader.size;
  }

  /** Whole entries. */
  #pass(firstIndex: number, lastIndex: number): void {
    this.#close(firstIndex - 1);
    this.#lastIndex = lastIndex;
  }

  #fail(offset: number, message: string, first: number): void {
    const open = this.#open ?? { offset, message, first };
    this.#open = { ...open, first: Math.min(open.first, first) };
  }

  /** What is damaged harms no entry behind `last`. */
  #close(last: number): void {
    if (this.#open === undefined) return;
    const { offset, message, first } = this.#open;
    this.#open = undefined;
    const indexes = { first, last: Math.max(last, first - 1) };
    this.#note({ kind: 'segment', file: this.#file.path, offset, message, indexes });
  }

  #place(from: number): { readonly id: number; readonly path: string; readonly from: number } {
    return { id: this.#known.segment, path: this.#file.path, from };
  }

  #originAt(offset: number) {
    return { name: this.#file.path, offset };
  }
}
