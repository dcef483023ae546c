import { isDleError } from '@dle/common';
import type { Origin } from '../errors.js';
import { MAX_BATCH_BYTES } from '../limits.js';
import type { ChunkReader } from './chunk-reader.js';
import { EntryBatch } from './entry-batch.js';
import { FRAME_HEADER_BYTES, type ReadFrameHeader, readFrameHeader } from './frame.js';
import { holdsLocalState, LocalState } from './local-state.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';

/** The last frame of an unbroken chain. */
export interface ChainEnd {
  readonly sequence: number;
  readonly checksum: number;
}

/** An intact frame. */
export interface ScannedFrame {
  readonly header: ReadFrameHeader;
  readonly entries: EntryBatch | undefined;
  readonly localState: LocalState | undefined;
  /** Of the records. */
  readonly origin: Origin;
}

/** Where a scan stopped, and why: `damage` is what the bytes there were rejected for. */
export interface ScanEnd {
  readonly chain: ChainEnd;
  readonly offset: number;
  readonly damage: unknown;
}

/**
 * Follows the chain of frames in one segment, from the frame after `chain` up to `lastSequence`, as
 * far as it is unbroken. `from`: where that frame lies, if it is not the first. `takes` may verify the records of a frame, and take them in; what
 * it leaves is decoded, and shown to `visit`. Throws `DLE_FORMAT` for what is intact but unknown.
 */
export async function scanSegment(
  reader: ChunkReader,
  segment: { readonly id: number; readonly path: string; readonly from?: number },
  chain: ChainEnd,
  lastSequence: number,
  visit: (frame: ScannedFrame) => void,
  takes: (header: ReadFrameHeader, records: Uint8Array, origin: Origin) => boolean = () => false,
): Promise<ScanEnd> {
  let { sequence, checksum } = chain;
  let offset = segment.from ?? SEGMENT_HEADER_BYTES;
  let damage: unknown;
  while (sequence < lastSequence) {
    const bytes = await reader.read(offset, FRAME_HEADER_BYTES);
    const place = { segment: segment.id, origin: { name: segment.path, offset } };
    const header = readFrameHeader(bytes, 0, place);
    if (header === undefined || !continues(header, sequence, checksum)) break;
    const end = offset + FRAME_HEADER_BYTES + header.length;
    if (header.length > MAX_BATCH_BYTES || end > reader.size) break;
    const origin = { name: segment.path, offset: offset + FRAME_HEADER_BYTES };
    const records = await reader.read(origin.offset, header.length);
    try {
      if (!takes(header, records, origin)) visit(readFrame(header, records, origin));
    } catch (thrown) {
      if (!(thrown instanceof TornRecords)) throw thrown;
      damage = thrown.cause;
      break;
    }
    ({ sequence, checksum } = header);
    offset = end;
  }
  return { chain: { sequence, checksum }, offset, damage };
}

/** Tells records that do not hold together from what `visit` has to say of records that do. */
class TornRecords extends Error {}

function continues(header: ReadFrameHeader, sequence: number, checksum: number): boolean {
  return header.sequence === sequence + 1 && header.previousChecksum === checksum;
}

function readFrame(header: ReadFrameHeader, records: Uint8Array, origin: Origin): ScannedFrame {
  try {
    if (records.length === 0) return { header, entries: undefined, localState: undefined, origin };
    if (!holdsLocalState(records)) {
      const entries = EntryBatch.decode(records, origin);
      return { header, entries, localState: undefined, origin };
    }
    const localState = new LocalState();
    localState.recover(records, origin);
    return { header, entries: undefined, localState, origin };
  } catch (thrown) {
    if (isDleError(thrown, 'DLE_CORRUPT')) throw new TornRecords('', { cause: thrown });
    throw thrown;
  }
}
