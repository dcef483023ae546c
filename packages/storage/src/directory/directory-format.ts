import { readUint64, writeUint64 } from '@dle/common';
import { corrupt, type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from '../log/header.js';
import type { SegmentEnd } from '../log/log-options.js';
import { BLOCK_BYTES } from './directory-block.js';

/*
 * A key directory: a header with the checkpoint of its segment, then blocks of one size: first
 * those of the keys, then those of the fences, which are the first keys of the blocks.
 *
 *   ├─ header, 128 ─┼─ keys, 16384 ─┼─ keys, 16384 ─┼ … ┼─ fences, 16384 ─┼ … ┤
 */
export const DIRECTORY_HEADER_BYTES = 128;
const VERSION = 1;
const FLAG_SORTED = 1;
const MAGIC: Uint8Array = Uint8Array.from(Buffer.from('DLEKEYS\n', 'latin1'));
const NAME = /^([0-9a-f]{16})\.directory$/;

/** What a directory says of its segment beside its keys. */
export interface Checkpoint extends SegmentEnd {
  /** Of what lies between the end of the frames and that of the file. */
  readonly tailChecksum: number;
}

export interface DirectoryHeader extends Checkpoint {
  /** Whether it is that of a sorted segment, and not of one of the log. */
  readonly sorted: boolean;
  /** Number of keys, and of the blocks that hold them. */
  readonly keys: number;
  readonly blocks: number;
  /** Number of keys whose newest record is a delete. */
  readonly tombstones: number;
  /** Blocks behind those of the keys, with the first key of each; 0 if there is but one. */
  readonly fences: number;
  /** The indexes of its entries are counted from here: none is lower. */
  readonly firstIndex: number;
}

/** Of the file. */
export function directoryBytes({ blocks, fences }: DirectoryHeader): number {
  return DIRECTORY_HEADER_BYTES + (blocks + fences) * BLOCK_BYTES;
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
  view.setUint8(9, header.sorted ? FLAG_SORTED : 0);
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
  view.setUint32(116, header.fences, true);
  view.setUint32(120, header.tombstones, true);
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
  const flags = view.getUint8(9);
  const blockBytes = view.getUint32(12, true);
  if (version !== VERSION || headerLength !== DIRECTORY_HEADER_BYTES || flags > FLAG_SORTED) {
    throw unknownFormat(origin, 0, `key directory version ${version}, flags ${flags}`);
  }
  if (blockBytes !== BLOCK_BYTES) throw unknownFormat(origin, 0, `blocks of ${blockBytes} bytes`);
  const header: DirectoryHeader = {
    sorted: flags === FLAG_SORTED,
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
    fences: view.getUint32(116, true),
    tombstones: view.getUint32(120, true),
  };
  if (header.segment !== segment) {
    throw corrupt(origin, 0, `the key directory of segment ${header.segment}`);
  }
  return header;
}
