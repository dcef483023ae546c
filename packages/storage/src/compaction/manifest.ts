import { join } from 'node:path';
import { crc32, readUint64, writeUint64 } from '@dle/common';
import { allocate, copyOf } from '../bytes.js';
import { corrupt, type Origin, unknownFormat } from '../errors.js';
import { MAX_FLOOR_STATE_BYTES } from '../limits.js';
import type { DeadExtent } from '../log/dead-extents.js';
import { headerChecksum, isIntact } from '../log/header.js';
import type { LogGap } from '../log/log-options.js';
import type { Vfs } from '../vfs/vfs.js';

/*
 *  0 "DLEMANI\n"   8 version   9 flags   10 headerLength   12 sorted   16 gaps   20 reserved
 *  24 store   40 nextId   48 dropped   56 checksum of what follows   60 headerChecksum   64
 *  64 ├─ sorted segment, 32 ─┼ … ┼─ gap, 72 ─┼ … ┤
 *  sorted segment: 0 id   8 bytes   16 dropped   24 run   28 reserved
 *  gap: 0 firstSegment   8 lastSegment   16 firstSequence   24 lastSequence   32 lastIndex
 *       40 lastTerm   48 commit   56 previousChecksum   60 lastChecksum   64 end
 *
 * In a replicated store, as version 2:
 *  0 … 48 as above   56 floor index   64 floor term   72 floor segment   80 applied
 *  88 replaced   92 state   96 reserved   100 reserved
 *  104 checksum of what follows   108 headerChecksum   112
 *  112 ├─ sorted segment, 32 ─┼ … ┼─ gap, 72 ─┼ … ┼─ replaced, 16 ─┼ … ┼─ state ─┤
 *  replaced: 0 segment   8 from   12 to
 */
export const MANIFEST_NAME = 'manifest';
const DRAFT_NAME = 'manifest.tmp';
const HEADER_BYTES = 64;
const FLOOR_HEADER_BYTES = 112;
const SORTED_BYTES = 32;
const GAP_BYTES = 72;
const DEAD_BYTES = 16;
const VERSION = 1;
const FLOOR_VERSION = 2;
const MAGIC: Uint8Array = Uint8Array.from(Buffer.from('DLEMANI\n', 'latin1'));
/** Bounds what is read into memory: more segments than there can be. */
const MAX_MANIFEST_BYTES: number =
  FLOOR_HEADER_BYTES +
  65_536 * (SORTED_BYTES + GAP_BYTES) +
  1_048_576 * DEAD_BYTES +
  MAX_FLOOR_STATE_BYTES;

/** A sorted segment that is in use. */
export interface SortedEntry {
  readonly id: number;
  /** Of its file. */
  readonly bytes: number;
  /** Segments of one run have disjoint keys. */
  readonly run: number;
  /** As the manifest's `dropped`, when it was made. */
  readonly dropped: number;
}

/** Up to where consensus is done with the log of a replicated store. */
export interface ManifestFloor {
  /** The entries up to there are applied, and nobody asks for them any more; 0: there is none. */
  readonly index: number;
  readonly term: number;
  /** What consensus must know at that index. */
  readonly state: Uint8Array;
  /**
   * In segments of the log up to this id nothing above `index` counts: a start takes them in from
   * their directories. What counts above lies in those behind it.
   */
  readonly segment: number;
  /** The entries up to there were applied, and on the device, when it was written. */
  readonly applied: number;
  /** Where replaced entries lay then, in any segment. */
  readonly dead: readonly DeadExtent[];
}

/**
 * What compaction has made of a store: the sorted segments in use, and the segments of the log that
 * are gone. What it does not name does not exist, whatever files there are.
 */
export interface Manifest {
  /** 32 hexadecimal digits. */
  readonly storeId: string;
  /** Higher than the id of any file that there has been when it was written. */
  readonly nextId: number;
  /** Records that compaction has left out so far, since the store was made. */
  readonly dropped: number;
  readonly sorted: readonly SortedEntry[];
  /** By rising ids; two of them always have a segment between them. */
  readonly gaps: readonly LogGap[];
  /** Of a replicated store; `undefined` in a standalone one. */
  readonly floor?: ManifestFloor | undefined;
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const { sorted, gaps, floor } = manifest;
  const headerBytes = floor === undefined ? HEADER_BYTES : FLOOR_HEADER_BYTES;
  const floorBytes = floor === undefined ? 0 : floor.dead.length * DEAD_BYTES + floor.state.length;
  const content = sorted.length * SORTED_BYTES + gaps.length * GAP_BYTES + floorBytes;
  const bytes = new Uint8Array(headerBytes + content);
  const view = new DataView(bytes.buffer);
  let at = headerBytes;
  for (const entry of sorted) {
    writeUint64(view, at, entry.id);
    writeUint64(view, at + 8, entry.bytes);
    writeUint64(view, at + 16, entry.dropped);
    view.setUint32(at + 24, entry.run, true);
    at += SORTED_BYTES;
  }
  for (const gap of gaps) {
    writeGap(view, at, gap);
    at += GAP_BYTES;
  }
  if (floor !== undefined) writeFloor(bytes, view, at, floor);
  bytes.set(MAGIC);
  view.setUint8(8, floor === undefined ? VERSION : FLOOR_VERSION);
  view.setUint16(10, headerBytes, true);
  view.setUint32(12, sorted.length, true);
  view.setUint32(16, gaps.length, true);
  bytes.set(Buffer.from(manifest.storeId, 'hex'), 24);
  writeUint64(view, 40, manifest.nextId);
  writeUint64(view, 48, manifest.dropped);
  view.setUint32(headerBytes - 8, crc32(bytes.subarray(headerBytes)), true);
  view.setUint32(headerBytes - 4, headerChecksum(bytes, 0, headerBytes), true);
  return bytes;
}

/** Its fields of the header, and what lies at `at`, behind the gaps. */
function writeFloor(bytes: Uint8Array, view: DataView, at: number, floor: ManifestFloor): void {
  writeUint64(view, 56, floor.index);
  writeUint64(view, 64, floor.term);
  writeUint64(view, 72, floor.segment);
  writeUint64(view, 80, floor.applied);
  view.setUint32(88, floor.dead.length, true);
  view.setUint32(92, floor.state.length, true);
  for (const [place, { segment, from, to }] of floor.dead.entries()) {
    writeUint64(view, at + place * DEAD_BYTES, segment);
    view.setUint32(at + place * DEAD_BYTES + 8, from, true);
    view.setUint32(at + place * DEAD_BYTES + 12, to, true);
  }
  bytes.set(floor.state, at + floor.dead.length * DEAD_BYTES);
}

function writeGap(view: DataView, at: number, { firstSegment, header, end }: LogGap): void {
  writeUint64(view, at, firstSegment);
  writeUint64(view, at + 8, end.segment);
  writeUint64(view, at + 16, header.firstSequence);
  writeUint64(view, at + 24, end.lastSequence);
  writeUint64(view, at + 32, end.lastIndex);
  writeUint64(view, at + 40, end.lastTerm);
  writeUint64(view, at + 48, end.commit);
  view.setUint32(at + 56, header.previousChecksum, true);
  view.setUint32(at + 60, end.lastChecksum, true);
  writeUint64(view, at + 64, end.end);
}

/** Throws `DLE_CORRUPT`; `DLE_FORMAT` for an intact one of another version. */
export function decodeManifest(bytes: Uint8Array, origin: Origin): Manifest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length >= HEADER_BYTES;
  const begins = whole && Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) === 0;
  const headerLength = begins ? view.getUint16(10, true) : 0;
  if (!isIntact(bytes, view, 0, headerLength)) throw corrupt(origin, 0, 'no manifest');
  const version = view.getUint8(8);
  const hasFloor = version === FLOOR_VERSION;
  const headerBytes = hasFloor ? FLOOR_HEADER_BYTES : HEADER_BYTES;
  const isKnown = version === VERSION || hasFloor;
  if (!isKnown || headerLength !== headerBytes || view.getUint8(9) !== 0) {
    throw unknownFormat(origin, 0, `manifest version ${version}`);
  }
  for (const at of hasFloor ? [20, 96, 100] : [20]) {
    if (view.getUint32(at, true) !== 0) throw unknownFormat(origin, at, 'a reserved field is set');
  }
  const [sortedCount, gapCount] = [view.getUint32(12, true), view.getUint32(16, true)];
  const floorAt = headerBytes + sortedCount * SORTED_BYTES + gapCount * GAP_BYTES;
  const floorBytes = hasFloor
    ? view.getUint32(88, true) * DEAD_BYTES + view.getUint32(92, true)
    : 0;
  if (floorAt + floorBytes !== bytes.length) {
    throw corrupt(origin, 0, `${bytes.length} bytes, and not ${floorAt + floorBytes}`);
  }
  if (crc32(bytes.subarray(headerBytes)) !== view.getUint32(headerBytes - 8, true)) {
    throw corrupt(origin, headerBytes, 'wrong checksum');
  }
  const storeId = Buffer.from(bytes.subarray(24, 40)).toString('hex');
  const sorted = Array.from({ length: sortedCount }, (_, place) =>
    readSorted(view, headerBytes + place * SORTED_BYTES, origin),
  );
  const gapsAt = headerBytes + sortedCount * SORTED_BYTES;
  const gaps = Array.from({ length: gapCount }, (_, place) =>
    readGap(view, gapsAt + place * GAP_BYTES, storeId),
  );
  const [nextId, dropped] = [readUint64(view, 40), readUint64(view, 48)];
  const floor = hasFloor ? readFloor(bytes, view, floorAt) : undefined;
  // A number that is none is neither above nor below another.
  if (floor !== undefined && !(floor.index <= floor.applied && floor.term >= 0)) {
    throw corrupt(origin, 56, `a floor of ${floor.index} where ${floor.applied} was applied`);
  }
  return { storeId, nextId, dropped, sorted, gaps, floor };
}

function readFloor(bytes: Uint8Array, view: DataView, at: number): ManifestFloor {
  const count = view.getUint32(88, true);
  const dead = Array.from({ length: count }, (_, place) => ({
    segment: readUint64(view, at + place * DEAD_BYTES),
    from: view.getUint32(at + place * DEAD_BYTES + 8, true),
    to: view.getUint32(at + place * DEAD_BYTES + 12, true),
  }));
  return {
    index: readUint64(view, 56),
    term: readUint64(view, 64),
    state: copyOf(bytes.subarray(at + count * DEAD_BYTES)),
    segment: readUint64(view, 72),
    applied: readUint64(view, 80),
    dead,
  };
}

function readSorted(view: DataView, at: number, origin: Origin): SortedEntry {
  if (view.getUint32(at + 28, true) !== 0) {
    throw unknownFormat(origin, at + 28, 'a reserved field is set');
  }
  return {
    id: readUint64(view, at),
    bytes: readUint64(view, at + 8),
    dropped: readUint64(view, at + 16),
    run: view.getUint32(at + 24, true),
  };
}

function readGap(view: DataView, at: number, storeId: string): LogGap {
  const firstSegment = readUint64(view, at);
  const header = {
    segment: firstSegment,
    firstSequence: readUint64(view, at + 16),
    previousChecksum: view.getUint32(at + 56, true),
    storeId,
  };
  const end = {
    segment: readUint64(view, at + 8),
    lastSequence: readUint64(view, at + 24),
    lastIndex: readUint64(view, at + 32),
    lastTerm: readUint64(view, at + 40),
    commit: readUint64(view, at + 48),
    lastChecksum: view.getUint32(at + 60, true),
    end: readUint64(view, at + 64),
    segmentBytes: 0,
    storeId,
  };
  return { firstSegment, header, end };
}

/**
 * The manifest in `directory`; `undefined` if there is none: then nothing has been compacted yet.
 * Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
 */
export async function readManifest(vfs: Vfs, directory: string): Promise<Manifest | undefined> {
  if (!(await vfs.list(directory)).includes(MANIFEST_NAME)) return undefined;
  const path = join(directory, MANIFEST_NAME);
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const size = file.size();
    const origin = { name: path, offset: 0 };
    if (size > MAX_MANIFEST_BYTES) throw corrupt(origin, 0, `a manifest of ${size} bytes`);
    const bytes = allocate(size);
    return decodeManifest(bytes.subarray(0, await file.read(bytes, 0)), origin);
  } finally {
    await file.close();
  }
}

/**
 * Durable, in place of the one before, when it resolves. If it rejects nobody knows which of the
 * two counts after a crash: what either of them names must stay. Rejects with `DLE_DISK_FULL`,
 * `DLE_IO`.
 */
export async function writeManifest(
  vfs: Vfs,
  directory: string,
  manifest: Manifest,
): Promise<void> {
  const draft = join(directory, DRAFT_NAME);
  const file = vfs.createSync(draft);
  try {
    file.writeSync([encodeManifest(manifest)], 0);
    await file.datasync();
    await file.close();
    await vfs.rename(draft, join(directory, MANIFEST_NAME));
  } catch (thrown) {
    await file.close();
    await vfs.unlink(draft).catch(() => undefined);
    throw thrown;
  }
  await vfs.syncDirectory(directory);
}

/** Whether that is what a crash has left of a manifest that was being written. */
export function isManifestDraft(name: string): boolean {
  return name === DRAFT_NAME;
}
