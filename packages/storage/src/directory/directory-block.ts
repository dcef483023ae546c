import { crc32, MAX_KEY_BYTES, readUint64, writeUint64 } from '@dle/common';
import { corrupt, type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from '../log/header.js';
import { RecordKind } from '../log/record-kinds.js';

/*
 * A block of a key directory: entries in the order of their keys and, at its very end, where each
 * of them begins, so that they are found by halving and read in both directions.
 *
 *   ├─ header, 40 ─┼ entry ┼ entry ┼ entry ┼ … zeros … ┼ place ┼ place ┼ place ┤ 16384
 *   entry ├ offset / 8 ┼ index ┼ keyLength ┼ valueLength ┼ kind ┼ key ┼ zeros to 4 ┤
 *         0            4       10          12            15     16
 *   place ├ where an entry begins in the block, / 4 ┤ 2
 */
export const BLOCK_BYTES = 16_384;
export const BLOCK_HEADER_BYTES = 40;
export const ENTRY_BYTES = 16;
export const PLACE_BYTES = 2;
/** Entries begin at multiples of it. */
export const PLACE_STEP = 4;
const VERSION = 1;
const MAGIC = 0x42454c44;

/** Bytes of an entry with its key and padding. */
export function entryBytes(keyLength: number): number {
  return ENTRY_BYTES + ((keyLength + 3) & ~3);
}

/** Completes a block: `bytes` are all of it, `length` of them used for `count` entries. */
export function sealBlock(
  bytes: Uint8Array,
  block: {
    readonly segment: number;
    readonly number: number;
    readonly count: number;
    readonly length: number;
  },
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, VERSION);
  view.setUint16(6, BLOCK_HEADER_BYTES, true);
  writeUint64(view, 8, block.segment);
  view.setUint32(16, block.number, true);
  view.setUint32(20, block.count, true);
  view.setUint32(24, block.length, true);
  view.setUint32(28, crc32(bytes.subarray(BLOCK_HEADER_BYTES)), true);
  view.setUint32(36, headerChecksum(bytes, 0, BLOCK_HEADER_BYTES), true);
}

/** What a verified block holds. */
export interface Block {
  /** The places of its entries are the last of them. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Where its entries end. */
  readonly end: number;
}

/** Verifies the block `number` of the directory of `segment`. Throws `DLE_CORRUPT`, `DLE_FORMAT`. */
export function readBlock(
  bytes: Uint8Array,
  segment: number,
  number: number,
  origin: Origin,
): Block {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < BLOCK_BYTES) throw corrupt(origin, bytes.length, 'the file ends here');
  if (view.getUint32(0, true) !== MAGIC || !isIntact(bytes, view, 0, view.getUint16(6, true))) {
    throw corrupt(origin, 0, 'no block of a key directory');
  }
  const version = view.getUint8(4);
  if (version !== VERSION || view.getUint16(6, true) !== BLOCK_HEADER_BYTES) {
    throw unknownFormat(origin, 0, `block version ${version}`);
  }
  if (readUint64(view, 8) !== segment || view.getUint32(16, true) !== number) {
    throw corrupt(origin, 0, 'a block that does not belong here');
  }
  if (crc32(bytes.subarray(BLOCK_HEADER_BYTES, BLOCK_BYTES)) !== view.getUint32(28, true)) {
    throw corrupt(origin, 0, 'wrong checksum of a block');
  }
  const count = view.getUint32(20, true);
  const end = BLOCK_HEADER_BYTES + view.getUint32(24, true);
  if (end + count * PLACE_BYTES > BLOCK_BYTES) {
    throw corrupt(origin, 20, `${count} entries of ${end} bytes in a block`);
  }
  checkEntries(view, count, end, origin);
  return { bytes, count, end };
}

/** What C walks over must hold together, whoever wrote it. */
function checkEntries(view: DataView, count: number, end: number, origin: Origin): void {
  const places = BLOCK_BYTES - count * PLACE_BYTES;
  let at = BLOCK_HEADER_BYTES;
  for (let entry = 0; entry < count && at + ENTRY_BYTES <= end; entry++) {
    const keyLength = view.getUint16(at + 10, true);
    const kind = view.getUint8(at + 15);
    if (kind !== RecordKind.put && kind !== RecordKind.delete) {
      throw unknownFormat(origin, at, `an entry of kind ${kind}`);
    }
    if (keyLength > MAX_KEY_BYTES) throw corrupt(origin, at, `a key of ${keyLength} bytes`);
    const place = places + entry * PLACE_BYTES;
    if (view.getUint16(place, true) * PLACE_STEP !== at) {
      throw corrupt(origin, place, 'no entry begins where the block says');
    }
    at += entryBytes(keyLength);
  }
  if (at !== end) throw corrupt(origin, at, 'the entries of a block do not fill it');
}

/** A window on one entry after the other of a verified block. */
export class DirectoryEntryView {
  readonly #view: DataView;
  readonly bytes: Uint8Array;
  /** In the segment. */
  recordOffset = 0;
  /** Counted from the first index of the directory. */
  relativeIndex = 0;
  valueLength = 0;
  kind: RecordKind = RecordKind.put;
  /** Where in `bytes` its key lies. */
  keyStart = 0;
  keyEnd = 0;
  /** Where the next entry begins. */
  end = 0;

  constructor(
    block: Uint8Array,
    view: DataView = new DataView(block.buffer, block.byteOffset, block.byteLength),
  ) {
    this.bytes = block;
    this.#view = view;
  }

  get key(): Uint8Array {
    return this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  /** As `compareBytes` of the two keys, without making arrays of them. */
  compareKey(other: DirectoryEntryView): number {
    const [bytes, otherBytes] = [this.bytes, other.bytes];
    const [start, otherStart] = [this.keyStart, other.keyStart];
    const [length, otherLength] = [this.keyEnd - start, other.keyEnd - otherStart];
    const shorter = Math.min(length, otherLength);
    for (let at = 0; at < shorter; at++) {
      const difference = bytes[start + at]! - otherBytes[otherStart + at]!;
      if (difference !== 0) return difference;
    }
    return length - otherLength;
  }

  /** Another window, on the same entry. */
  copy(): DirectoryEntryView {
    const twin = new DirectoryEntryView(this.bytes, this.#view);
    twin.moveTo(this.keyStart - ENTRY_BYTES);
    return twin;
  }

  moveTo(at: number): void {
    const view = this.#view;
    const keyLength = view.getUint16(at + 10, true);
    const lengthAndKind = view.getUint32(at + 12, true);
    this.recordOffset = view.getUint32(at, true) * 8;
    this.relativeIndex = view.getUint32(at + 4, true) + view.getUint16(at + 8, true) * 2 ** 32;
    this.valueLength = lengthAndKind & 0xffffff;
    this.kind = (lengthAndKind >>> 24) as RecordKind;
    this.keyStart = at + ENTRY_BYTES;
    this.keyEnd = this.keyStart + keyLength;
    this.end = at + entryBytes(keyLength);
  }
}
