import { crc32, MAX_KEY_BYTES, readUint64, writeUint64 } from '@dle/common';
import { corrupt, type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from '../log/header.js';
import type { SegmentEnd } from '../log/log-options.js';
import { RecordKind } from '../log/record-kinds.js';

/*
 * A key directory: a header with the checkpoint of its segment, then blocks of one size.
 *
 *   ├─ header, 128 ─┼─ block, 16384 ─┼─ block, 16384 ─┼ … ┤
 *                   ╰─ header, 40 ─┼ entry ┼ entry ┼ … ┼ zeros ┤
 *   entry ├ offset / 8 ┼ index ┼ valueLength ┼ keyLength ┼ kind ┼ 0 ┼ key ┼ zeros to 4 ┤
 *         0            4       8             12          14     15  16
 */
export const DIRECTORY_HEADER_BYTES = 128;
export const BLOCK_BYTES = 16_384;
export const BLOCK_HEADER_BYTES = 40;
export const ENTRY_BYTES = 16;
const VERSION = 1;
const MAGIC: Uint8Array = Uint8Array.from(Buffer.from('DLEKEYS\n', 'latin1'));
const BLOCK_MAGIC = 0x42454c44;
const NAME = /^([0-9a-f]{16})\.directory$/;

/** What a directory says of its segment beside its keys. */
export interface Checkpoint extends SegmentEnd {
  /** Of what lies between the end of the frames and that of the file. */
  readonly tailChecksum: number;
}

export interface DirectoryHeader extends Checkpoint {
  /** Number of keys, and of the blocks that hold them. */
  readonly keys: number;
  readonly blocks: number;
  /** The indexes of its entries are counted from here. */
  readonly firstIndex: number;
}

export function directoryName(segment: number): string {
  return `${segment.toString(16).padStart(16, '0')}.directory`;
}

/** The segment whose directory has this name; `undefined` if it is no directory's. */
export function parseDirectoryName(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

export function encodeDirectoryHeader(header: DirectoryHeader): Uint8Array {
  const bytes = new Uint8Array(DIRECTORY_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint8(8, VERSION);
  view.setUint16(10, DIRECTORY_HEADER_BYTES, true);
  view.setUint32(12, BLOCK_BYTES, true);
  writeUint64(view, 16, header.segment);
  bytes.set(Buffer.from(header.storeId, 'hex'), 24);
  writeUint64(view, 40, header.lastSequence);
  view.setUint32(48, header.lastChecksum, true);
  view.setUint32(52, header.tailChecksum, true);
  writeUint64(view, 56, header.end);
  writeUint64(view, 64, header.segmentBytes);
  writeUint64(view, 72, header.lastIndex);
  writeUint64(view, 80, header.lastTerm);
  writeUint64(view, 88, header.commit);
  writeUint64(view, 96, header.firstIndex);
  writeUint64(view, 104, header.keys);
  view.setUint32(112, header.blocks, true);
  view.setUint32(124, headerChecksum(bytes, 0, DIRECTORY_HEADER_BYTES), true);
  return bytes;
}

/**
 * The header of the directory of `segment`. Throws `DLE_CORRUPT`; `DLE_FORMAT` for an intact one of
 * another version.
 */
export function readDirectoryHeader(
  bytes: Uint8Array,
  segment: number,
  origin: Origin,
): DirectoryHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length >= DIRECTORY_HEADER_BYTES;
  const begins = whole && Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) === 0;
  const headerLength = begins ? view.getUint16(10, true) : 0;
  if (!isIntact(bytes, view, 0, headerLength)) throw corrupt(origin, 0, 'no key directory');
  const version = view.getUint8(8);
  const blockBytes = view.getUint32(12, true);
  if (version !== VERSION || headerLength !== DIRECTORY_HEADER_BYTES || view.getUint8(9) !== 0) {
    throw unknownFormat(origin, 0, `key directory version ${version}`);
  }
  if (blockBytes !== BLOCK_BYTES) throw unknownFormat(origin, 0, `blocks of ${blockBytes} bytes`);
  if (readUint64(view, 116) !== 0) throw unknownFormat(origin, 116, 'a reserved field is set');
  const header: DirectoryHeader = {
    segment: readUint64(view, 16),
    storeId: Buffer.from(bytes.subarray(24, 40)).toString('hex'),
    lastSequence: readUint64(view, 40),
    lastChecksum: view.getUint32(48, true),
    tailChecksum: view.getUint32(52, true),
    end: readUint64(view, 56),
    segmentBytes: readUint64(view, 64),
    lastIndex: readUint64(view, 72),
    lastTerm: readUint64(view, 80),
    commit: readUint64(view, 88),
    firstIndex: readUint64(view, 96),
    keys: readUint64(view, 104),
    blocks: view.getUint32(112, true),
  };
  if (header.segment !== segment) {
    throw corrupt(origin, 0, `the key directory of segment ${header.segment}`);
  }
  return header;
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
  view.setUint32(0, BLOCK_MAGIC, true);
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
  if (
    view.getUint32(0, true) !== BLOCK_MAGIC ||
    !isIntact(bytes, view, 0, view.getUint16(6, true))
  ) {
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
  const end = BLOCK_HEADER_BYTES + view.getUint32(24, true);
  if (end > BLOCK_BYTES) throw corrupt(origin, 24, `a block of ${end} bytes`);
  const count = view.getUint32(20, true);
  checkEntries(view, count, end, origin);
  return { bytes, count, end };
}

/** What C walks over must hold together, whoever wrote it. */
function checkEntries(view: DataView, count: number, end: number, origin: Origin): void {
  let at = BLOCK_HEADER_BYTES;
  for (let entry = 0; entry < count && at + ENTRY_BYTES <= end; entry++) {
    const keyLength = view.getUint16(at + 12, true);
    const kind = view.getUint8(at + 14);
    if (kind !== RecordKind.put && kind !== RecordKind.delete) {
      throw unknownFormat(origin, at, `an entry of kind ${kind}`);
    }
    if (keyLength > MAX_KEY_BYTES) throw corrupt(origin, at, `a key of ${keyLength} bytes`);
    at += entryBytes(keyLength);
  }
  if (at !== end) throw corrupt(origin, at, 'the entries of a block do not fill it');
}

/** A window on one entry after the other of a verified block. */
export class DirectoryEntryView {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** In the segment. */
  recordOffset = 0;
  /** Counted from the first index of the directory. */
  relativeIndex = 0;
  valueLength = 0;
  kind: RecordKind = RecordKind.put;
  #key = 0;
  #keyLength = 0;
  /** Where the next entry begins. */
  end = 0;

  constructor(
    block: Uint8Array,
    view: DataView = new DataView(block.buffer, block.byteOffset, block.byteLength),
  ) {
    this.#bytes = block;
    this.#view = view;
  }

  get key(): Uint8Array {
    return this.#bytes.subarray(this.#key, this.#key + this.#keyLength);
  }

  /** As `compareBytes` of the two keys, without making arrays of them. */
  compareKey(other: DirectoryEntryView): number {
    const [bytes, otherBytes] = [this.#bytes, other.#bytes];
    const [start, otherStart] = [this.#key, other.#key];
    const shorter = Math.min(this.#keyLength, other.#keyLength);
    for (let at = 0; at < shorter; at++) {
      const difference = bytes[start + at]! - otherBytes[otherStart + at]!;
      if (difference !== 0) return difference;
    }
    return this.#keyLength - other.#keyLength;
  }

  /** Another window, on the same entry. */
  copy(): DirectoryEntryView {
    const twin = new DirectoryEntryView(this.#bytes, this.#view);
    twin.moveTo(this.#key - ENTRY_BYTES);
    return twin;
  }

  moveTo(at: number): void {
    const view = this.#view;
    this.recordOffset = view.getUint32(at, true) * 8;
    this.relativeIndex = view.getUint32(at + 4, true);
    this.valueLength = view.getUint32(at + 8, true);
    this.#keyLength = view.getUint16(at + 12, true);
    this.kind = view.getUint8(at + 14) as RecordKind;
    this.#key = at + ENTRY_BYTES;
    this.end = at + entryBytes(this.#keyLength);
  }
}

/** Bytes of an entry with its key and padding. */
export function entryBytes(keyLength: number): number {
  return ENTRY_BYTES + ((keyLength + 3) & ~3);
}
