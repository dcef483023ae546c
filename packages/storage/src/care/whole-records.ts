import { isDleError } from '@dle/common';
import type { ChunkReader } from '../log/chunk-reader.js';
import {
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  type ReadFrameHeader,
  readFrameHeader,
} from '../log/frame.js';
import { RECORD_HEADER_BYTES, RECORD_MAGIC, RecordView } from '../log/record.js';

const STEP_BYTES = 256 * 1024;

/** A piece of a file in which records may lie. */
export interface Region {
  readonly from: number;
  /** Not included. */
  readonly to: number;
  /** Of the intact frame that it is the content of; `undefined`: it lies between two of those. */
  readonly frame: ReadFrameHeader | undefined;
}

/**
 * The intact frames of a segment from `from` on, wherever they begin, and what lies between them:
 * those whose sequence is above `above`, and below `below`.
 */
export async function findRegions(
  reader: ChunkReader,
  segment: { readonly id: number; readonly path: string },
  { from, above, below }: { readonly from: number; readonly above: number; readonly below: number },
): Promise<Region[]> {
  const regions: Region[] = [];
  let last = above;
  let at = from;
  for (;;) {
    const header = await nextFrame(reader, segment, at, (found) => {
      const fits = found.offset + FRAME_HEADER_BYTES + found.length <= reader.size;
      return fits && found.sequence > last && found.sequence < below;
    });
    const end = header?.offset ?? reader.size;
    if (end > at) regions.push({ from: at, to: end, frame: undefined });
    if (header === undefined) return regions;
    last = header.sequence;
    const start = header.offset + FRAME_HEADER_BYTES;
    at = start + header.length;
    regions.push({ from: start, to: at, frame: header });
  }
}

/** The first frame from `from` on that `suits`. */
export async function nextFrame(
  reader: ChunkReader,
  segment: { readonly id: number; readonly path: string },
  from: number,
  suits: (header: ReadFrameHeader) => boolean,
): Promise<ReadFrameHeader | undefined> {
  for (let start = from; start < reader.size; start += STEP_BYTES) {
    const bytes = await reader.read(start, STEP_BYTES + FRAME_HEADER_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const origin = { name: segment.path, offset: start };
    const end = Math.min(STEP_BYTES, bytes.length - FRAME_HEADER_BYTES + 1);
    for (let at = 0; at < end; at += 8) {
      if (view.getUint32(at, true) !== FRAME_MAGIC) continue;
      const header = unlessUnknown(() =>
        readFrameHeader(bytes, at, { segment: segment.id, origin }),
      );
      if (header !== undefined && suits(header)) return header;
    }
  }
  return undefined;
}

/** Reads whole records of a file, one by one. */
export class WholeRecords {
  readonly #reader: ChunkReader;
  readonly #path: string;

  constructor(reader: ChunkReader, path: string) {
    this.#reader = reader;
    this.#path = path;
  }

  /**
   * The record at `offset`, that ends before `to`: `undefined` if it is damaged. Where its head is
   * whole, `end` says where the next one is.
   */
  async at(offset: number, to: number): Promise<{ record?: RecordView; end?: number }> {
    const origin = { name: this.#path, offset };
    const head = new RecordView(await this.#reader.read(offset, RECORD_HEADER_BYTES), origin);
    const isHead = unlessUnknown(() => {
      head.readHeader(0);
      return offset + head.end <= to;
    });
    if (isHead !== true) return {};
    const record = new RecordView(await this.#reader.read(offset, head.end), origin);
    const isWhole = unlessUnknown(() => {
      record.read(0);
      return true;
    });
    const end = offset + head.end;
    return isWhole === true ? { record, end } : { end };
  }

  /** The first record from `from` on, and before `to`, that is whole and `suits`. */
  async next(
    from: number,
    to: number,
    suits: (record: RecordView, offset: number) => boolean,
  ): Promise<number | undefined> {
    for (let start = from; start < to; start += STEP_BYTES) {
      const bytes = await this.#reader.read(start, Math.min(STEP_BYTES, to - start));
      for (let at = 0; at < bytes.length; at += 8) {
        if (bytes[at] !== RECORD_MAGIC) continue;
        const { record } = await this.at(start + at, to);
        if (record !== undefined && suits(record, start + at)) return start + at;
      }
    }
    return undefined;
  }

  /** Whether there is nothing but zeros. */
  async isBlank(from: number, to: number): Promise<boolean> {
    for (let start = from; start < to; start += STEP_BYTES) {
      const bytes = await this.#reader.read(start, Math.min(STEP_BYTES, to - start));
      if (bytes.some((byte) => byte !== 0)) return false;
    }
    return true;
  }
}

/** `undefined` for what is damaged, or made of bytes that only look like something. */
export function unlessUnknown<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) return undefined;
    throw thrown;
  }
}
