import { crc32 } from '@dle/common';

/*
 * A frame, as docs/format.md has it ("Wire frame"); all numbers unsigned and little-endian:
 *
 *  0       4         5      6              8    12              16          20             24
 *  28
 *  ├ magic ┼ version ┼ kind ┼ headerLength ┼ id ┼ controlLength ┼ rawLength ┼ bodyChecksum ┼
 *  reserved ┼ headerChecksum ┤
 * 32 ├─ control ─┼─ raw ─┤
 */

export const FRAME_HEADER_BYTES = 32;
/** Bytes of the header that its checksum covers. */
const CHECKED_BYTES = 28;
/** `DLEW`, read as a little-endian number. */
export const FRAME_MAGIC = 0x5745_4c44;
export const FRAME_VERSION = 1;

export const FrameKind = {
  hello: 1,
  welcome: 2,
  refusal: 3,
  request: 4,
  response: 5,
  message: 6,
  ping: 7,
  pong: 8,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

/**
 * Bytes and the view of them; kept together because making a view costs more than writing a header
 * with it.
 */
export interface ViewedBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function viewed(bytes: Uint8Array): ViewedBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/**
 * As `bytes.subarray(start, end)`, at half the price: that of a `Buffer` looks at what it is given,
 * and makes another `Buffer`.
 */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

export interface FrameHeader {
  readonly kind: FrameKind;
  readonly id: number;
  readonly controlLength: number;
  readonly rawLength: number;
  readonly bodyChecksum: number;
}

/** Writes the 32 bytes of a header at `offset`. */
export function writeFrameHeader(target: ViewedBytes, offset: number, header: FrameHeader): void {
  const { bytes, view } = target;
  view.setUint32(offset, FRAME_MAGIC, true);
  view.setUint8(offset + 4, FRAME_VERSION);
  view.setUint8(offset + 5, header.kind);
  view.setUint16(offset + 6, FRAME_HEADER_BYTES, true);
  view.setUint32(offset + 8, header.id, true);
  view.setUint32(offset + 12, header.controlLength, true);
  view.setUint32(offset + 16, header.rawLength, true);
  view.setUint32(offset + 20, header.bodyChecksum, true);
  view.setUint32(offset + 24, 0, true);
  view.setUint32(offset + 28, headerChecksum(bytes, offset), true);
}

/** What a checksum is being made of: to copy it here costs less than a view of where it lies. */
const checked = new Uint8Array(CHECKED_BYTES);

/** The checksum that the header at `offset` must carry. */
export function headerChecksum(bytes: Uint8Array, offset: number): number {
  for (let at = 0; at < CHECKED_BYTES; at++) checked[at] = bytes[offset + at]!;
  return crc32(checked);
}
