import { join } from 'node:path';
import { crc32 } from '@dle/common';
import { corrupt } from '../errors.js';
import { ChunkReader } from '../log/chunk-reader.js';
import { type Extent, liveOf } from '../log/dead-extents.js';
import type { ReadFrameHeader } from '../log/frame.js';
import type { SealedSegment } from '../log/log-writer.js';
import { RecordKind } from '../log/record-kinds.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from '../log/segment-header.js';
import { type ScannedFrame, scanSegment } from '../log/segment-scan.js';
import type { Vfs } from '../vfs/vfs.js';
import { collectKeys } from './collect-keys.js';
import type { Checkpoint } from './directory-format.js';
import type { DirectoryKeys, FrameEntries, Pause } from './directory-keys.js';

const STEP_BYTES = 1024 * 1024;

/** What a sealed segment holds. */
export interface SegmentContent {
  readonly checkpoint: Checkpoint;
  readonly keys: DirectoryKeys;
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
  keys: DirectoryKeys = collectKeys(),
): Promise<SegmentContent> {
  const path = join(directory, segmentName(id));
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const reader = new ChunkReader(file);
    const origin = { name: path, offset: 0 };
    const header = readSegmentHeader(await reader.read(0, SEGMENT_HEADER_BYTES), id, origin);
    if (header === undefined) throw corrupt(origin, 0, 'no segment begins here');
    const chain = { sequence: header.firstSequence - 1, checksum: header.previousChecksum };
    const found = new Found(keys, dead);
    const scan = await scanSegment(
      reader,
      { id, path },
      chain,
      lastSequence,
      (frame) => found.add(frame),
      (header, records, { offset }) => found.takes(header, records, offset),
    );
    if (scan.chain.sequence < lastSequence) {
      if (scan.damage instanceof Error) throw scan.damage;
      throw corrupt({ name: path, offset: scan.offset }, 0, 'a frame is damaged or missing');
    }
    await keys.sort(pause);
    const { firstIndex, lastIndex, lastTerm, commit, records, flushed } = found;
    const checkpoint: Checkpoint = {
      lastIndex,
      lastTerm,
      commit,
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

/** What the frames of a segment hold. */
class Found {
  firstIndex = 0;
  lastIndex = 0;
  lastTerm = 0;
  commit = 0;
  flushed = 0;
  records = 0;
  readonly #keys: DirectoryKeys;
  readonly #dead: readonly Extent[];

  constructor(keys: DirectoryKeys, dead: readonly Extent[]) {
    this.#keys = keys;
    this.#dead = dead;
  }

  /** Adds a frame as it is, if all in it counts, and nothing in it is out of the ordinary. */
  takes(header: ReadFrameHeader, bytes: Uint8Array, offset: number): boolean {
    const end = offset + bytes.length;
    if (this.#dead.some(({ from, to }) => from < end && to > offset)) return false;
    const entries = this.#keys.addFrame(bytes, offset);
    if (entries === undefined) return false;
    this.#addHeader(header);
    this.#addEntries(entries);
    this.records += entries.records;
    return true;
  }

  add({ header, entries, origin }: ScannedFrame): void {
    this.#addHeader(header);
    if (entries === undefined) return;
    const live = liveOf(entries, origin.offset, this.#dead);
    if (live !== undefined) {
      const { firstIndex, lastIndex } = live;
      this.#addEntries({ firstIndex, lastIndex, lastTerm: live.termAt(lastIndex) });
    }
    entries.forEachRecord((record) => {
      this.records++;
      if (live === undefined || record.index > live.lastIndex) return;
      const changesKey = record.kind === RecordKind.put || record.kind === RecordKind.delete;
      if (changesKey) this.#keys.add(record, origin.offset + record.offset);
    });
  }

  #addHeader({ commit, flushed }: ReadFrameHeader): void {
    this.commit = Math.max(this.commit, commit);
    this.flushed = Math.max(this.flushed, flushed);
  }

  #addEntries({ firstIndex, lastIndex, lastTerm }: Omit<FrameEntries, 'records'>): void {
    if (this.firstIndex === 0) this.firstIndex = firstIndex;
    this.lastIndex = lastIndex;
    this.lastTerm = lastTerm;
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
