import { allocate } from '../bytes.js';
import { SegmentKeys } from '../directory/segment-keys.js';
import { corrupt } from '../errors.js';
import { FRAME_HEADER_BYTES, readFrameHeader } from '../log/frame.js';
import { RECORD_HEADER_BYTES, RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { VfsFile } from '../vfs/vfs.js';
import { type MemoryRun, RunBuilder } from './memory-run.js';
import { mergeRuns } from './merge-runs.js';
import type { Wait, Work } from './work.js';

/** A piece of a file of records. */
export interface RecordPiece {
  readonly bytes: Uint8Array;
  /** At which it lies in the file. */
  readonly offset: number;
  readonly path: string;
  readonly file: number;
  /** By which positions name the file. */
  readonly slot: number;
  /** Where the next frame begins; infinite in a file that has none. */
  readonly frameEnd: number;
}

/** What a piece has given. */
export interface Gathered {
  /** `undefined` if there was no key in it. */
  readonly run: MemoryRun | undefined;
  /** Where in the file to go on. */
  readonly end: number;
  readonly frameEnd: number;
  /** Bytes that are needed there to go on. */
  readonly needed: number;
}

/** Sorts the keys of pieces of files; here, or in C. */
export interface GatherKeys {
  /** So many are gathered in one go: a few milliseconds. */
  readonly pieceBytes: number;
  gather(piece: RecordPiece): Gathered;
  /** One run of several of the file at `slot`. */
  merge(runs: readonly MemoryRun[], slot: number, pause: Wait): Work<MemoryRun>;
  /** `length` bytes from `position` of `file`, if that takes no wait; good until the next call. */
  readNow(file: VfsFile, length: number, position: number): Uint8Array | undefined;
}

/**
 * Sorts the keys of the whole records in `piece`, every checksum verified. Throws `DLE_CORRUPT`,
 * `DLE_FORMAT`.
 */
function gatherKeys(piece: RecordPiece): Gathered {
  const { bytes, offset, path } = piece;
  const origin = { name: path, offset };
  const record = new RecordView(bytes, origin);
  const keys = new SegmentKeys();
  let { frameEnd } = piece;
  let firstIndex = Number.POSITIVE_INFINITY;
  let needed = RECORD_HEADER_BYTES;
  let at = 0;
  while (at + needed <= bytes.length) {
    if (offset + at === frameEnd) {
      const header = readFrameHeader(bytes, at, { segment: piece.file, origin });
      if (header === undefined) throw corrupt(origin, at, 'no frame begins here');
      at += FRAME_HEADER_BYTES;
      frameEnd = offset + at + header.length;
      continue;
    }
    record.readHeader(at);
    needed = record.end - at;
    if (at + needed > bytes.length) break;
    record.verifyPayload();
    if (record.kind === RecordKind.put || record.kind === RecordKind.delete) {
      keys.add(record, offset + at);
      firstIndex = Math.min(firstIndex, record.index);
    }
    at = record.end;
    needed = RECORD_HEADER_BYTES;
  }
  keys.sortNow();
  return { run: runOf(keys, piece.slot, firstIndex), end: offset + at, frameEnd, needed };
}

function runOf(keys: SegmentKeys, slot: number, firstIndex: number): MemoryRun | undefined {
  if (keys.size === 0) return undefined;
  const builder = new RunBuilder(slot, firstIndex);
  for (let place = 0; place < keys.size; place++) builder.add(keys.entryAt(place));
  return builder.finish();
}

const PIECE_BYTES = 256 * 1024;

/**
 * What has just been written is in memory: so much of it is copied in less time than a way through
 * the thread pool takes.
 */
const READ_NOW_BYTES = 64 * 1024;

export const typescriptGathering: GatherKeys = {
  pieceBytes: PIECE_BYTES,
  gather: gatherKeys,
  merge: mergeRuns,
  readNow(file, length, position) {
    if (length > READ_NOW_BYTES) return undefined;
    const bytes = allocate(length);
    return file.readSync(bytes, position) === length ? bytes : undefined;
  },
};
