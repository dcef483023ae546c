import { join } from 'node:path';
import type { Floor } from '../../compaction/log-floor.js';
import { type SortedEntry, writeManifest } from '../../compaction/manifest.js';
import { sortedName } from '../../directory/sorted-segment.js';
import { encodeFrameHeader, FRAME_HEADER_BYTES, frameChecksum } from '../../log/frame.js';
import type { LocalState } from '../../log/local-state.js';
import {
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from '../../log/segment-header.js';
import type { Vfs } from '../../vfs/vfs.js';

/*
 *  1 (a gap)                2.sorted … n.sorted            n + 1
 *  the entries up to        what they have left            the log, from the entry behind
 *  the floor, which         of keys, one run               the floor on: its local state,
 *  were never here                                         and the frame of a clean close
 */
const GAP_SEGMENT = 1;
export const FIRST_SORTED_SEGMENT: number = GAP_SEGMENT + 1;
export const BASE_RUN = 1;

/** The only frame of the gap, as far as this log is concerned. */
const GAP_SEQUENCE = 1;
const GAP_CHECKSUM = 0;

export interface BaseFiles {
  readonly storeId: string;
  readonly floor: Floor;
  /** Of sorted segments; durable, as are their names. */
  readonly segments: number;
  readonly localState: LocalState;
}

/**
 * Makes a store of the sorted segments in `directory`: with the log, which begins behind the floor,
 * and the manifest. Durable when it resolves; can be repeated. Rejects with `DLE_DISK_FULL`,
 * `DLE_IO`.
 */
export async function writeBaseFiles(
  vfs: Vfs,
  directory: string,
  { storeId, floor, segments, localState }: BaseFiles,
): Promise<void> {
  const logSegment = FIRST_SORTED_SEGMENT + segments;
  await writeLog(vfs, directory, { id: logSegment, storeId, commit: floor.index }, localState);
  const sorted: SortedEntry[] = [];
  for (let id = FIRST_SORTED_SEGMENT; id < logSegment; id++) {
    const bytes = await sizeOf(vfs, join(directory, sortedName(id)));
    sorted.push({ id, bytes, run: BASE_RUN, dropped: 0 });
  }
  const gap = {
    firstSegment: GAP_SEGMENT,
    header: {
      segment: GAP_SEGMENT,
      firstSequence: GAP_SEQUENCE,
      previousChecksum: 0,
      storeId,
    },
    end: {
      segment: GAP_SEGMENT,
      lastSequence: GAP_SEQUENCE,
      lastChecksum: GAP_CHECKSUM,
      lastIndex: floor.index,
      lastTerm: floor.term,
      commit: floor.index,
      end: 0,
      segmentBytes: 0,
      storeId,
    },
  };
  await writeManifest(vfs, directory, {
    storeId,
    nextId: logSegment + 1,
    dropped: 0,
    sorted,
    gaps: [gap],
    floor: { ...floor, segment: logSegment - 1, applied: floor.index, dead: [] },
  });
}

async function writeLog(
  vfs: Vfs,
  directory: string,
  { id, storeId, commit }: { id: number; storeId: string; commit: number },
  localState: LocalState,
): Promise<void> {
  const head = encodeSegmentHeader({
    segment: id,
    firstSequence: GAP_SEQUENCE + 1,
    previousChecksum: GAP_CHECKSUM,
    storeId,
  });
  const common = { segment: id, commit, replacesFrom: 0 };
  const first = encodeFrameHeader({
    ...common,
    clean: false,
    offset: SEGMENT_HEADER_BYTES,
    length: localState.bytes,
    sequence: GAP_SEQUENCE + 1,
    flushed: GAP_SEQUENCE,
    previousChecksum: GAP_CHECKSUM,
  });
  const closing = encodeFrameHeader({
    ...common,
    clean: true,
    offset: SEGMENT_HEADER_BYTES + FRAME_HEADER_BYTES + localState.bytes,
    length: 0,
    sequence: GAP_SEQUENCE + 2,
    flushed: GAP_SEQUENCE + 1,
    previousChecksum: frameChecksum(first),
  });
  const file = vfs.createSync(join(directory, segmentName(id)));
  try {
    file.writeSync([head, first, ...localState.records(), closing], 0);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function sizeOf(vfs: Vfs, path: string): Promise<number> {
  const file = vfs.openSync(path, { readOnly: true });
  const size = file.size();
  await file.close();
  return size;
}
