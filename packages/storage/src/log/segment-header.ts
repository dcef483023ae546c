import { readUint64, writeUint64 } from '@dle/common';
import { type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from './header.js';

/*
 *  0               8         9       10             12         16
 *  ├─ "DLESEGM\n" ─┼ version ┼ flags ┼ headerLength ┼ reserved ┤
 *  16 segment   24 firstSequence   32 previousChecksum   36 reserved   40 store   56 reserved   60
 *  headerChecksum
 */
export const SEGMENT_HEADER_BYTES = 64;
const MAGIC: Uint8Array = Uint8Array.from(Buffer.from('DLESEGM\n', 'latin1'));
const VERSION = 1;
const RESERVED_OFFSETS = [12, 36, 56];
const NAME = /^([0-9a-f]{16})\.segment$/;

export interface SegmentHeader {
  readonly segment: number;
  /** Sequence of the first frame in it: its predecessor ends before that one. */
  readonly firstSequence: number;
  /** Checksum of the frame before that one; 0 if there is none. */
  readonly previousChecksum: number;
  /** 32 hexadecimal digits. */
  readonly storeId: string;
}

export function segmentName(segment: number): string {
  return `${segment.toString(16).padStart(16, '0')}.segment`;
}

/** The id that a file name holds; `undefined` if it is no segment's. */
export function parseSegmentName(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  const segment = digits === undefined ? Number.NaN : Number.parseInt(digits, 16);
  return Number.isSafeInteger(segment) && segment > 0 ? segment : undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint8(8, VERSION);
  view.setUint16(10, SEGMENT_HEADER_BYTES, true);
  writeUint64(view, 16, header.segment);
  writeUint64(view, 24, header.firstSequence);
  view.setUint32(32, header.previousChecksum, true);
  bytes.set(Buffer.from(header.storeId, 'hex'), 40);
  view.setUint32(60, headerChecksum(bytes, 0, SEGMENT_HEADER_BYTES), true);
  return bytes;
}

/**
 * The header at the beginning of a segment file, `undefined` if it is damaged or not that of
 * `segment`.
 * Throws `DLE_FORMAT` for an intact one of another version.
 */
export function readSegmentHeader(
  bytes: Uint8Array,
  segment: number,
  origin: Origin,
): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  if (Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint16(10, true);
  if (!isIntact(bytes, view, 0, headerLength)) return undefined;
  const version = view.getUint8(8);
  const reserved = RESERVED_OFFSETS.some((offset) => view.getUint32(offset, true) !== 0);
  if (
    version !== VERSION ||
    headerLength !== SEGMENT_HEADER_BYTES ||
    view.getUint8(9) !== 0 ||
    reserved
  ) {
    throw unknownFormat(origin, 0, `segment version ${version}`);
  }
  const header: SegmentHeader = {
    segment: readUint64(view, 16),
    firstSequence: readUint64(view, 24),
    previousChecksum: view.getUint32(32, true),
    storeId: Buffer.from(bytes.subarray(40, 56)).toString('hex'),
  };
  return header.segment === segment && header.firstSequence > 0 ? header : undefined;
}
