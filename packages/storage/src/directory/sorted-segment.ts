import { readUint64, writeUint64 } from '@dle/common';
import { type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from '../log/header.js';
import type { Checkpoint } from './directory-format.js';

/*
 *  0               8         9       10             12         16
 *  ├─ "DLESORT\n" ─┼ version ┼ flags ┼ headerLength ┼ reserved ┤
 *  16 id   24 run   28 records   32 firstIndex   40 store   56 reserved   60 headerChecksum   64
 *  64 ├─ record ─┼─ record ─┼ … ┤ end of the file
 */
export const SORTED_HEADER_BYTES = 64;
const MAGIC: Uint8Array = Uint8Array.from(Buffer.from('DLESORT\n', 'latin1'));
const VERSION = 1;
const RESERVED_OFFSETS = [12, 56];
const NAME = /^([0-9a-f]{16})\.sorted$/;

/**
 * The head of a segment that compaction has written: records as they were in the log, with their
 * indexes, by rising keys, each key once.
 */
export interface SortedHeader {
  readonly id: number;
  readonly run: number;
  readonly records: number;
  /** No record has a lower index. */
  readonly firstIndex: number;
  /** 32 hexadecimal digits. */
  readonly storeId: string;
}

export function sortedName(id: number): string {
  return `${id.toString(16).padStart(16, '0')}.sorted`;
}

/** The id that a file name holds; `undefined` if it is no sorted segment's. */
export function parseSortedName(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

export function encodeSortedHeader(header: SortedHeader): Uint8Array {
  const bytes = new Uint8Array(SORTED_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint8(8, VERSION);
  view.setUint16(10, SORTED_HEADER_BYTES, true);
  writeUint64(view, 16, header.id);
  view.setUint32(24, header.run, true);
  view.setUint32(28, header.records, true);
  writeUint64(view, 32, header.firstIndex);
  bytes.set(Buffer.from(header.storeId, 'hex'), 40);
  view.setUint32(60, headerChecksum(bytes, 0, SORTED_HEADER_BYTES), true);
  return bytes;
}

/**
 * The header at the beginning of a sorted segment, `undefined` if it is damaged or not that of
 * `id`. Throws `DLE_FORMAT` for an intact one of another version.
 */
export function readSortedHeader(
  bytes: Uint8Array,
  id: number,
  origin: Origin,
): SortedHeader | undefined {
  if (bytes.length < SORTED_HEADER_BYTES) return undefined;
  if (Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint16(10, true);
  if (!isIntact(bytes, view, 0, headerLength)) return undefined;
  const version = view.getUint8(8);
  const reserved = RESERVED_OFFSETS.some((offset) => view.getUint32(offset, true) !== 0);
  if (
    version !== VERSION ||
    headerLength !== SORTED_HEADER_BYTES ||
    view.getUint8(9) !== 0 ||
    reserved
  ) {
    throw unknownFormat(origin, 0, `sorted segment version ${version}`);
  }
  const header: SortedHeader = {
    id: readUint64(view, 16),
    run: view.getUint32(24, true),
    records: view.getUint32(28, true),
    firstIndex: readUint64(view, 32),
    storeId: Buffer.from(bytes.subarray(40, 56)).toString('hex'),
  };
  return header.id === id ? header : undefined;
}

/** What the directory of a sorted segment says beside its keys: it is no part of the log. */
export function sortedCheckpoint(
  id: number,
  storeId: string,
  bytes: number,
  lastIndex: number,
): Checkpoint {
  return {
    segment: id,
    storeId,
    lastSequence: 0,
    lastChecksum: 0,
    lastIndex,
    lastTerm: 0,
    commit: 0,
    end: bytes,
    segmentBytes: bytes,
    tailChecksum: 0,
  };
}
