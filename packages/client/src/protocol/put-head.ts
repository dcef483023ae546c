import type { Complaint } from './fields.js';

/*
 * What stands before key and value of a put, as docs/format.md has it ("Client protocol"). There
 * are so many of them that to encode and to take apart a map for each was an eighth of what they
 * cost the node that leads.
 *
 *  0    1       2           4          8
 *  ├ op ┼ flags ┼ keyLength ┼ checksum ┤
 */
export const PUT_HEAD_BYTES = 8;
const OP_PUT = 1;
const FLAG_FORWARDED = 1;

export interface PutHead {
  readonly keyLength: number;
  /** CRC-32 of key ‖ value. */
  readonly checksum: number;
  readonly forwarded: boolean;
}

export function encodePutHead({ keyLength, checksum, forwarded }: PutHead): Uint8Array {
  // So short an array lies with the object: one longer has memory of its own, and is slow to get.
  const head = new Uint8Array(PUT_HEAD_BYTES);
  head[0] = OP_PUT;
  head[1] = forwarded ? FLAG_FORWARDED : 0;
  head[2] = keyLength;
  head[3] = keyLength >>> 8;
  writeUint32(head, 4, checksum);
  return head;
}

/** What it says, whether or not that can be: an unknown op or flag is refused, never skipped. */
export function readPutHead(raw: Uint8Array, refuse: Complaint): PutHead {
  if (raw.length < PUT_HEAD_BYTES) throw refuse('neither op nor the head of a put');
  if (raw[0] !== OP_PUT) throw refuse(`unknown op: ${raw[0]}`);
  if (raw[1]! > FLAG_FORWARDED) throw refuse(`unknown flags of a put: ${raw[1]}`);
  return {
    keyLength: raw[2]! + raw[3]! * 0x100,
    checksum: readUint32(raw, 4),
    forwarded: raw[1] === FLAG_FORWARDED,
  };
}

const INDEX_BYTES = 8;
const TWO_32 = 0x1_0000_0000;

/** The result of a put: where it stands in the log. */
export function encodeIndex(index: number): Uint8Array {
  const bytes = new Uint8Array(INDEX_BYTES);
  writeUint32(bytes, 0, index);
  writeUint32(bytes, 4, Math.floor(index / TWO_32));
  return bytes;
}

export function readIndex(raw: Uint8Array, distrust: Complaint): number {
  if (raw.length !== INDEX_BYTES) throw distrust(`an index of ${raw.length} bytes`);
  const index = readUint32(raw, 4) * TWO_32 + readUint32(raw, 0);
  if (!Number.isSafeInteger(index)) throw distrust('an index that is no safe integer');
  return index;
}

// Without a DataView, which would cost more than all of it.

function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const low = bytes[offset]! + bytes[offset + 1]! * 0x100;
  return low + bytes[offset + 2]! * 0x1_0000 + bytes[offset + 3]! * 0x100_0000;
}
