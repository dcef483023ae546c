import { EMPTY_BYTES, MAX_KEY_BYTES } from '@dle/common';
import { allocate } from '../bytes.js';
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  entryBytes,
  PLACE_BYTES,
} from '../directory/directory-block.js';
import { corrupt } from '../errors.js';
import { FRAME_HEADER_BYTES, readFrameHeader } from '../log/frame.js';
import { RECORD_HEADER_BYTES, RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { Lookup } from '../native/lookup.js';
import type { NativeIndex } from '../store/native-index.js';
import {
  type Gathered,
  type GatherKeys,
  type RecordPiece,
  typescriptGathering,
} from './gather-keys.js';
import { MemoryRun } from './memory-run.js';
import type { Wait, Work } from './work.js';

/** Gathered in one go: a millisecond or two. */
const PIECE_BYTES = 1024 * 1024;
/** No record is smaller than its header. */
const MOST_RECORDS: number = PIECE_BYTES / RECORD_HEADER_BYTES;

/** Keys that are merged between two pauses: a millisecond. */
const MERGED_AT_ONCE = 16_384;
/** Targets of merges that are kept: what a segment of some hundred thousand keys takes. */
const FIRST_TARGET_BYTES: number = 1024 * 1024;
const MOST_TARGET_BYTES: number = 16 * 1024 * 1024;
/** No entry of a run is longer. */
const MOST_ENTRY_BYTES: number = entryBytes(MAX_KEY_BYTES) + PLACE_BYTES;

/** As `typescriptGathering`, in C. */
export function nativeGathering(native: NativeIndex): GatherKeys {
  const { lookup } = native;
  const memory = new Memory();
  return {
    pieceBytes: PIECE_BYTES,
    gather: (piece) => gather(native, piece, memory),
    merge: (runs, slot, pause) => merge(lookup, runs, { slot, pause, memory }),
    readNow(file, length, position) {
      const { descriptor } = file;
      if (descriptor === undefined) return typescriptGathering.readNow(file, length, position);
      const bytes = memory.pieceOf(length);
      return lookup.readCached(descriptor, bytes, position) === length ? bytes : undefined;
    },
  };
}

/**
 * Used again for each piece and each merge: fresh memory would be zeroed first, and makes the
 * collector go through the heap time and again, for it counts all that is allocated beside it.
 */
class Memory {
  #piece: Uint8Array = EMPTY_BYTES;
  #starts: Uint32Array = new Uint32Array(0);
  #target: Uint8Array = EMPTY_BYTES;

  pieceOf(length: number): Uint8Array {
    if (length > PIECE_BYTES) return allocate(length);
    if (this.#piece.length === 0) this.#piece = allocate(PIECE_BYTES);
    return this.#piece.subarray(0, length);
  }

  /** For as many records as there can be in `bytes`. */
  startsFor(bytes: number): Uint32Array {
    const most = Math.ceil(bytes / RECORD_HEADER_BYTES);
    if (most > MOST_RECORDS) return new Uint32Array(most);
    if (this.#starts.length === 0) this.#starts = new Uint32Array(MOST_RECORDS);
    return this.#starts;
  }

  /** For a merge, until it is given back: another one may be under way. */
  takeTarget(length: number): Uint8Array {
    const target = this.#target;
    this.#target = EMPTY_BYTES;
    return target.length < length ? allocate(Math.max(length, FIRST_TARGET_BYTES)) : target;
  }

  giveTarget(target: Uint8Array): void {
    if (target.length <= MOST_TARGET_BYTES) this.#target = target;
  }
}

function gather({ lookup, results }: NativeIndex, piece: RecordPiece, memory: Memory): Gathered {
  const { bytes, offset, path } = piece;
  const origin = { name: path, offset };
  const record = new RecordView(bytes, origin);
  const starts = memory.startsFor(bytes.length);
  let count = 0;
  let { frameEnd } = piece;
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
    const end = Math.min(bytes.length, frameEnd - offset);
    at = lookup.findRecords(bytes, at, end, starts, count);
    count = results[0]!;
    if (at === end || at + RECORD_HEADER_BYTES > bytes.length) continue;
    // Something else than a put, one that is cut off here, or damage.
    record.readHeader(at);
    needed = record.end - at;
    if (at + needed > bytes.length) break;
    record.verifyPayload();
    const changesKey = record.kind === RecordKind.put || record.kind === RecordKind.delete;
    if (changesKey) starts[count++] = at;
    at = record.end;
    needed = RECORD_HEADER_BYTES;
  }
  return { run: runOf(lookup, piece, starts, count), end: offset + at, frameEnd, needed };
}

function runOf(
  lookup: Lookup,
  { bytes, offset, slot }: RecordPiece,
  starts: Uint32Array,
  count: number,
): MemoryRun | undefined {
  if (count === 0) return undefined;
  return new MemoryRun(new Uint8Array(lookup.gatherRun(bytes, starts, count, offset)), slot);
}

function* merge(
  lookup: Lookup,
  runs: readonly MemoryRun[],
  { slot, pause, memory }: { slot: number; pause: Wait; memory: Memory },
): Work<MemoryRun> {
  const sources = runs.map(({ bytes }) => bytes);
  const used = sources.reduce((sum, { length }) => sum + length, 0);
  // At worst there is an entry missing at the end of each block that would not go in.
  const blocks = Math.ceil(used / (BLOCK_BYTES - BLOCK_HEADER_BYTES - MOST_ENTRY_BYTES));
  const target = memory.takeTarget(blocks * BLOCK_BYTES);
  const state = new Uint8Array(lookup.runMergeBytes(runs.length));
  lookup.beginRunMerge(state, sources, target);
  let length = lookup.stepRunMerge(state, MERGED_AT_ONCE);
  while (length === 0) {
    yield pause;
    length = lookup.stepRunMerge(state, MERGED_AT_ONCE);
  }
  const run = new MemoryRun(target.slice(0, length), slot);
  memory.giveTarget(target);
  return run;
}
