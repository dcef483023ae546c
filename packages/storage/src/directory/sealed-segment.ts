import { join } from 'node:path';
import { crc32 } from '@dle/common';
import { corrupt } from '../errors.js';
import { ChunkReader } from '../log/chunk-reader.js';
import { type Extent, liveOf } from '../log/dead-extents.js';
import type { SealedSegment } from '../log/log-writer.js';
import { RecordKind } from '../log/record-kinds.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from '../log/segment-header.js';
import { scanSegment } from '../log/segment-scan.js';
import type { Vfs } from '../vfs/vfs.js';
import type { Checkpoint } from './directory-format.js';
import { type Pause, SegmentKeys } from './segment-keys.js';

const STEP_BYTES = 1024 * 1024;

/** What a sealed segment holds. */
export interface SegmentContent {
  readonly checkpoint: Checkpoint;
  readonly keys: SegmentKeys;
  /** Index of the first entry in it that counts; 0 if there is none. */
  readonly firstIndex: number;
  /** Number of records, replaced ones included. */
  readonly records: number;
  /** Whether it is a sorted segment, and not one of the log. */
  readonly sorted: boolean;
  /** The last frame that its frames know to be flushed; 0 in a sorted segment. */
  readonly flushed: number;
}

/** A sealed segment of the log, and where in it replaced entries lie. */
export interface SegmentToRead extends SealedSegment {
  readonly dead?: readonly Extent[];
}

/** A file whose keys a directory lists. */
export interface Listed extends SegmentToRead {
  /** A sorted segment: it is no part of the log, and has no frames. */
  readonly sorted?: boolean;
  /** Its directory may have been made before the store was opened, and not been looked at. */
  readonly mayBeThere?: boolean;
}

/**
 * Reads all of a sealed segment, and verifies it; of replaced entries nothing is said. Throws
 * `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
 */
export async function readSealedSegment(
  vfs: Vfs,
  directory: string,
  { id, lastSequence, dead = [] }: SegmentToRead,
  pause: Pause,
): Promise<SegmentContent> {
  const path = join(directory, segmentName(id));
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const reader = new ChunkReader(file);
    const origin = { name: path, offset: 0 };
    const header = readSegmentHeader(await reader.read(0, SEGMENT_HEADER_BYTES), id, origin);
    if (header === undefined) throw corrupt(origin, 0, 'no segment begins here');
    const chain = { sequence: header.firstSequence - 1, checksum: header.previousChecksum };
    const keys = new SegmentKeys();
    let records = 0;
    const found = { firstIndex: 0, lastIndex: 0, lastTerm: 0, commit: 0 };
    let flushed = 0;
    const scan = await scanSegment(reader, { id, path }, chain, lastSequence, (frame) => {
      found.commit = Math.max(found.commit, frame.header.commit);
      flushed = Math.max(flushed, frame.header.flushed);
      const { entries, origin } = frame;
      if (entries === undefined) return;
      const live = liveOf(entries, origin.offset, dead);
      if (live !== undefined) {
        if (found.firstIndex === 0) found.firstIndex = live.firstIndex;
        found.lastIndex = live.lastIndex;
        found.lastTerm = live.termAt(live.lastIndex);
      }
      entries.forEachRecord((record) => {
        records++;
        if (live === undefined || record.index > live.lastIndex) return;
        const changesKey = record.kind === RecordKind.put || record.kind === RecordKind.delete;
        if (changesKey) keys.add(record, origin.offset + record.offset);
      });
    });
    if (scan.chain.sequence < lastSequence) {
      if (scan.damage instanceof Error) throw scan.damage;
      throw corrupt({ name: path, offset: scan.offset }, 0, 'a frame is damaged or missing');
    }
    await keys.sort(pause);
    const { firstIndex, ...entries } = found;
    const checkpoint: Checkpoint = {
      ...entries,
      segment: id,
      storeId: header.storeId,
      lastSequence,
      lastChecksum: scan.chain.checksum,
      end: scan.offset,
      segmentBytes: reader.size,
      tailChecksum: await checksumFrom(reader, scan.offset),
    };
    return { checkpoint, keys, firstIndex, records, sorted: false, flushed };
  } finally {
    await file.close();
  }
}

/** Of the bytes from `offset` on: zeros, or what a torn write has left. */
async function checksumFrom(reader: ChunkReader, offset: number): Promise<number> {
  let checksum = 0;
  for (let at = offset; at < reader.size; at += STEP_BYTES) {
    checksum = crc32(await reader.read(at, STEP_BYTES), checksum);
  }
  return checksum;
}
