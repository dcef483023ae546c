import { corrupt } from '../errors.js';
import { FRAME_HEADER_BYTES, readFrameHeader } from '../log/frame.js';
import { RECORD_HEADER_BYTES, RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { NativeIndex } from '../store/native-index.js';
import type { Gathered, GatherKeys, RecordPiece } from './gather-keys.js';
import { type MemoryRun, RunBuilder } from './memory-run.js';

/** Gathered in one go: a millisecond or two. */
const PIECE_BYTES = 1024 * 1024;
/** No record is smaller than its header. */
const MOST_RECORDS: number = PIECE_BYTES / RECORD_HEADER_BYTES;

/** As `gatherKeys`, with the records verified and sorted in C. */
export function nativeGathering(native: NativeIndex): GatherKeys {
  return { pieceBytes: PIECE_BYTES, gather: (piece) => gather(native, piece) };
}

function gather({ lookup, results }: NativeIndex, piece: RecordPiece): Gathered {
  const { bytes, offset, path } = piece;
  const origin = { name: path, offset };
  const record = new RecordView(bytes, origin);
  // A record that is larger than a piece comes alone.
  const starts = new Uint32Array(Math.max(MOST_RECORDS, bytes.length / RECORD_HEADER_BYTES) + 1);
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
  const kept = count === 0 ? 0 : lookup.sortRecords(bytes, starts, count);
  const run = kept === 0 ? undefined : runOf(piece, record, starts.subarray(0, kept));
  return { run, end: offset + at, frameEnd, needed };
}

/** Of the records that begin at `starts`, in the order of their keys. */
function runOf(piece: RecordPiece, record: RecordView, starts: Uint32Array): MemoryRun {
  const { bytes, offset, slot } = piece;
  let firstIndex = Number.POSITIVE_INFINITY;
  for (let place = 0; place < starts.length; place++) {
    record.moveTo(starts[place]!);
    firstIndex = Math.min(firstIndex, record.index);
  }
  const builder = new RunBuilder(slot, firstIndex);
  const entry = {
    bytes,
    keyStart: 0,
    keyEnd: 0,
    recordOffset: 0,
    index: 0,
    valueLength: 0,
    kind: record.kind,
  };
  for (let place = 0; place < starts.length; place++) {
    const start = starts[place]!;
    record.moveTo(start);
    entry.keyStart = start + RECORD_HEADER_BYTES;
    entry.keyEnd = entry.keyStart + record.keyLength;
    entry.recordOffset = offset + start;
    entry.index = record.index;
    entry.valueLength = record.valueLength;
    entry.kind = record.kind;
    builder.add(entry);
  }
  return builder.finish();
}
