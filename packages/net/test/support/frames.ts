import { concatBytes, crc32, EMPTY_BYTES } from '@dle/common';
import { pack } from 'msgpackr';
import { FRAME_HEADER_BYTES, type FrameKind } from '../../src/frame.js';
import type { Control } from '../../src/index.js';

export interface HeaderFields {
  readonly magic?: string;
  readonly version?: number;
  readonly kind: number;
  readonly headerLength?: number;
  readonly id?: number;
  readonly controlLength?: number;
  readonly rawLength?: number;
  readonly bodyChecksum?: number;
  readonly reserved?: number;
}

/** A header as docs/format.md has it, written here a second time, with anything in it. */
export function encodeHeader(fields: HeaderFields): Uint8Array {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.write(fields.magic ?? 'DLEW', 0, 'latin1');
  header.writeUInt8(fields.version ?? 1, 4);
  header.writeUInt8(fields.kind, 5);
  header.writeUInt16LE(fields.headerLength ?? 32, 6);
  header.writeUInt32LE(fields.id ?? 0, 8);
  header.writeUInt32LE(fields.controlLength ?? 0, 12);
  header.writeUInt32LE(fields.rawLength ?? 0, 16);
  header.writeUInt32LE(fields.bodyChecksum ?? 0, 20);
  header.writeUInt32LE(fields.reserved ?? 0, 24);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  return header;
}

/** A whole frame; a control given as bytes goes in as it is. */
export function encodeFrame(
  kind: FrameKind,
  id: number,
  control?: Control | Uint8Array,
  raw: Uint8Array = EMPTY_BYTES,
): Uint8Array {
  let encoded = EMPTY_BYTES;
  if (control instanceof Uint8Array) encoded = control;
  else if (control !== undefined) encoded = new Uint8Array(pack(control));
  const body = concatBytes([encoded, raw]);
  const header = encodeHeader({
    kind,
    id,
    controlLength: encoded.length,
    rawLength: raw.length,
    bodyChecksum: crc32(body),
  });
  return concatBytes([header, body]);
}
