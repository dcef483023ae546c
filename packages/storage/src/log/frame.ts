import { readUint64, writeUint64 } from '@dle/common';
import { type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from './header.js';

/*
 *  0           4         5       6              8         16       20
 *  ├─ "DLEF" ──┼ version ┼ flags ┼ headerLength ┼ segment ┼ offset ┼ length ┤
 *  24 sequence   32 flushed   40 commit   48 replacesFrom   56 previousChecksum   60 headerChecksum
 */
export const FRAME_HEADER_BYTES = 64;
export const FRAME_MAGIC = 0x46454c44;
const VERSION = 1;
const FLAG_CLEAN_CLOSE = 1;

export interface FrameHeader {
  /** The log was closed behind this frame. */
  readonly clean: boolean;
  /** Where it lies. */
  readonly segment: number;
  readonly offset: number;
  /** Bytes of the records behind the header. */
  readonly length: number;
  readonly sequence: number;
  /** The last sequence known to be flushed when this frame was written. */
  readonly flushed: number;
  readonly commit: number;
  /** Entries from here on are replaced; 0: none. */
  readonly replacesFrom: number;
  readonly previousChecksum: number;
}

/** A header as it was read, and the checksum by which its successor names it. */
export interface ReadFrameHeader extends FrameHeader {
  readonly checksum: number;
}

export function encodeFrameHeader(header: FrameHeader): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint8(4, VERSION);
  view.setUint8(5, header.clean ? FLAG_CLEAN_CLOSE : 0);
  view.setUint16(6, FRAME_HEADER_BYTES, true);
  writeUint64(view, 8, header.segment);
  view.setUint32(16, header.offset, true);
  view.setUint32(20, header.length, true);
  writeUint64(view, 24, header.sequence);
  writeUint64(view, 32, header.flushed);
  writeUint64(view, 40, header.commit);
  writeUint64(view, 48, header.replacesFrom);
  view.setUint32(56, header.previousChecksum, true);
  view.setUint32(60, headerChecksum(bytes, 0, FRAME_HEADER_BYTES), true);
  return bytes;
}

/** The checksum that an encoded header carries. */
export function frameChecksum(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, header.byteLength).getUint32(60, true);
}

/**
 * The frame header at `at` of `bytes`, if one lies there that says it belongs into this segment and
 * to this offset; `undefined` for anything else. Throws `DLE_FORMAT` for an intact one of another
 * version.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  at: number,
  place: { readonly segment: number; readonly origin: Origin },
): ReadFrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(at, true) !== FRAME_MAGIC) {
    return undefined;
  }
  const version = view.getUint8(at + 4);
  const flags = view.getUint8(at + 5);
  const headerLength = view.getUint16(at + 6, true);
  if (!isIntact(bytes, view, at, headerLength)) return undefined;
  const offset = place.origin.offset + at;
  if (version !== VERSION || headerLength !== FRAME_HEADER_BYTES || flags > FLAG_CLEAN_CLOSE) {
    throw unknownFormat(place.origin, at, `frame version ${version}, flags ${flags}`);
  }
  const header = readFields(view, at, flags === FLAG_CLEAN_CLOSE);
  // Values may hold anything, also the bytes of a frame that lies, or lay, elsewhere.
  if (header.segment !== place.segment || header.offset !== offset) return undefined;
  return hasSaneNumbers(header) ? header : undefined;
}

function readFields(view: DataView, at: number, clean: boolean): ReadFrameHeader {
  return {
    clean,
    segment: readUint64(view, at + 8),
    offset: view.getUint32(at + 16, true),
    length: view.getUint32(at + 20, true),
    sequence: readUint64(view, at + 24),
    flushed: readUint64(view, at + 32),
    commit: readUint64(view, at + 40),
    replacesFrom: readUint64(view, at + 48),
    previousChecksum: view.getUint32(at + 56, true),
    checksum: view.getUint32(at + 60, true),
  };
}

function hasSaneNumbers(header: FrameHeader): boolean {
  // Comparisons with NaN, which stands for an unsafe integer, are false.
  const numbers = header.commit >= 0 && header.replacesFrom >= 0;
  return numbers && header.flushed < header.sequence && header.length % 8 === 0;
}
