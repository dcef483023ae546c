import { DleError } from '@dle/common';
import { corrupt, tooManySegments } from '../errors.js';
import { MAX_SEGMENTS } from '../limits.js';
import type { Vfs } from '../vfs/vfs.js';
import { ChunkReader } from './chunk-reader.js';
import { FRAME_HEADER_BYTES } from './frame.js';
import { type Remains, searchFrames } from './frame-search.js';
import type { LogGap, SegmentEnd } from './log-options.js';
import type { SealedSegment } from './log-writer.js';
import { RESERVE_STEP_BYTES } from './segment.js';
import type { SegmentFiles } from './segment-files.js';
import {
  parseSegmentName,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-header.js';
import { type ChainEnd, type ScanEnd, type ScannedFrame, scanSegment } from './segment-scan.js';

export interface RecoveryComponents {
  readonly vfs: Vfs;
  readonly files: SegmentFiles;
}

/** Whoever takes in what the log holds. */
export interface RecoveryObserver {
  /** As in `LogObservers`. */
  endOf(segment: number): Promise<SegmentEnd | undefined>;
  readSealed(
    segment: SealedSegment,
  ): Promise<{ readonly end: SegmentEnd; readonly flushed: number } | undefined>;
  restore(ends: readonly SegmentEnd[]): Promise<void>;
  /** The next frame. */
  visit(frame: ScannedFrame): void;
}

export interface Recovered {
  /** `undefined`: there is no log here yet. */
  readonly storeId: string | undefined;
  readonly sequence: number;
  readonly checksum: number;
  readonly nextSegment: number;
  /** Where to go on, if the log was closed cleanly; else in a new segment. */
  readonly resume: { readonly segment: number; readonly tail: number } | undefined;
  /** Id of the last segment of the log; 0 if there is none. */
  readonly lastSegment: number;
  /** Sealed segments that nobody has vouched for. */
  readonly unvouched: readonly SealedSegment[];
  /** The segments of the log: how many, and their bytes together. */
  readonly segments: number;
  readonly segmentBytes: number;
}

interface Candidate {
  readonly id: number;
  readonly path: string;
  /** `undefined`: damaged. */
  readonly header: SegmentHeader | undefined;
  /** Segments that are gone, and no file: where they ended. */
  readonly gap: SegmentEnd | undefined;
}

/** The unbroken chain of frames. */
interface Chain {
  readonly end: ChainEnd;
  /** Where the search for it stopped: in which segment, at which offset. */
  readonly place: number;
  readonly offset: number;
  /** Whether the next segment does not begin where this one stopped. */
  readonly gap: boolean;
  /** What the bytes at the end were rejected for, if they looked like a frame. */
  readonly damage: unknown;
  /** Whether the last frame was written by a clean close. */
  readonly clean: boolean;
  /** The highest `flushed` of its frames. */
  readonly flushed: number;
  /** Of each of its segments, the last sequence. */
  readonly lastSequences: readonly number[];
  /** The first frame that is not known to be flushed: in which segment, at which offset. */
  readonly unflushed: { readonly place: number; readonly offset: number } | undefined;
  /** Of those that were not read, for somebody has vouched for them, the ids. */
  readonly vouched: ReadonlySet<number>;
}

/** What is known of the segments of a log beside them. */
interface KnownSegments {
  /** Those that are gone. */
  readonly gaps: readonly LogGap[];
  /** Above all ids there have been. */
  readonly nextId: number;
  /** The log has begun this one. */
  readonly reachesSegment?: number | undefined;
}

const STEP_BYTES = 1024 * 1024;

/** Written when a log is made: a header, the frame that opens its segment, and an idle one. */
const MADE_BYTES = SEGMENT_HEADER_BYTES + 2 * FRAME_HEADER_BYTES;

const START: ChainEnd = { sequence: 0, checksum: 0 };

/**
 * Reads the log of a directory from its first frame to its last (docs/format.md, Where the log
 * ends), shows every frame to `observer`, but for those of sealed segments that it vouches for,
 * makes durable what it has found and removes what lies wholly behind the end. Throws
 * `DLE_CORRUPT` where a frame that was flushed is damaged or missing.
 */
export async function recover(
  components: RecoveryComponents,
  directory: string,
  known: KnownSegments,
  observer: RecoveryObserver,
): Promise<Recovered> {
  const segments = await findSegments(components, directory, known.gaps);
  const storeId = checkStoreIds(segments);
  const chain = await followChain(components.files, segments, observer);
  const remains = await examineRemains(components.files, segments, chain);
  if (chain.end.sequence === 0) await refuseLostBeginning(components.files, segments);
  const kept = segments.slice(0, chain.lastSequences.length);
  const last = kept.at(-1);
  const { reachesSegment = 0 } = known;
  if ((last?.id ?? 0) < reachesSegment) {
    const name = components.files.pathOf(reachesSegment);
    throw corrupt({ name, offset: 0 }, 0, 'the end of the log is damaged or missing');
  }
  const whole = kept.length === segments.length;
  const resumes = last !== undefined && whole && chain.clean && remains.empty;
  await makeDurable(components, kept, { chain, remains, resumes });
  for (const stale of segments.slice(kept.length)) {
    await components.files.forget(stale.id);
    await components.vfs.unlink(stale.path);
  }
  const present = kept.filter(({ gap }) => gap === undefined);
  if (segments.length > 0) await components.vfs.syncDirectory(directory);
  return {
    ...chain.end,
    storeId: last === undefined ? undefined : storeId,
    nextSegment: Math.max((segments.at(-1)?.id ?? 0) + 1, known.nextId),
    resume: resumes ? { segment: last.id, tail: chain.offset } : undefined,
    lastSegment: last?.id ?? 0,
    // The last one has no successor yet.
    unvouched: kept
      .slice(0, -1)
      .flatMap(({ id }, place) =>
        chain.vouched.has(id) ? [] : [{ id, lastSequence: chain.lastSequences[place]! }],
      ),
    segments: present.length,
    segmentBytes: present.reduce((sum, { id }) => sum + components.files.get(id).size(), 0),
  };
}

/** What was recovered is on the device when this resolves, and the last segment as it now is. */
async function makeDurable(
  { vfs, files }: RecoveryComponents,
  kept: readonly Candidate[],
  { chain, remains, resumes }: { chain: Chain; remains: Remains; resumes: boolean },
): Promise<void> {
  const flushed = Math.max(chain.flushed, remains.flushed);
  for (const [place, { id, path }] of kept.entries()) {
    const isFlushed = chain.lastSequences[place]! <= flushed;
    // A last segment that is left as it is keeps what lies behind its end, too.
    const isLast = place === kept.length - 1;
    if (isFlushed && (resumes || !isLast)) continue;
    const { offset = 0 } = place === chain.unflushed?.place ? chain.unflushed : {};
    // The header of a segment is written with its first frame.
    const from = isFlushed ? chain.offset : offset <= SEGMENT_HEADER_BYTES ? 0 : offset;
    const to = isLast && remains.empty ? chain.offset : files.get(id).size();
    await writeAgain(vfs, path, from, to);
  }
}

async function findSegments(
  { vfs, files }: RecoveryComponents,
  directory: string,
  gaps: readonly LogGap[],
): Promise<Candidate[]> {
  const ids: number[] = [];
  for (const name of await vfs.list(directory)) {
    const id = parseSegmentName(name);
    if (id !== undefined) ids.push(id);
  }
  if (ids.length > MAX_SEGMENTS) throw tooManySegments(directory);
  ids.sort((a, b) => a - b);
  const candidates: Candidate[] = gaps.map(({ header, end }) => ({
    id: end.segment,
    path: files.pathOf(end.segment),
    header,
    gap: end,
  }));
  for (const id of ids) {
    const path = files.pathOf(id);
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const count = await files.get(id).read(bytes, 0);
    const origin = { name: path, offset: 0 };
    const header = readSegmentHeader(bytes.subarray(0, count), id, origin);
    candidates.push({ id, path, header, gap: undefined });
  }
  candidates.sort((a, b) => a.id - b.id);
  const last = candidates.at(-1);
  if (last?.gap !== undefined) {
    // A segment is sealed, and may be compacted, only once its successor is begun on the device.
    const path = files.pathOf(last.id + 1);
    throw corrupt({ name: path, offset: 0 }, 0, 'the segments from here on are missing');
  }
  return candidates;
}

/** The id in the segments, which must all have the same. */
function checkStoreIds(segments: readonly Candidate[]): string | undefined {
  const first = segments.find(({ header }) => header !== undefined);
  for (const { header, path } of segments) {
    if (header === undefined || header.storeId === first!.header!.storeId) continue;
    throw new DleError(
      'DLE_FORMAT',
      `${path} belongs to store ${header.storeId}, ${first!.path} to store ${first!.header!.storeId}: ` +
        'take the one that does not belong here out of the directory',
    );
  }
  return first?.header?.storeId;
}

async function followChain(
  files: SegmentFiles,
  segments: readonly Candidate[],
  observer: RecoveryObserver,
): Promise<Chain> {
  const lastSequences: number[] = [];
  const vouched = new Set<number>();
  /** Frames that none of those read so far knows to be flushed. */
  const unflushed: { place: number; offset: number; sequence: number }[] = [];
  /** Accepted, not yet taken in. */
  const ends: SegmentEnd[] = [];
  let scan: ScanEnd = { chain: START, offset: 0, damage: undefined };
  let flushed = 0;
  let clean = false;
  let gap = false;
  let place = 0;
  for (const [candidate, segment] of segments.entries()) {
    const { sequence } = scan.chain;
    gap = !follows(segment.header, scan.chain);
    if (gap) break;
    place = candidate;
    // A segment ends where its successor begins, whatever lies behind that.
    const next = segments[candidate + 1]?.header;
    const sealed = await sealedEnd(files, segment, next, observer);
    if (sealed !== undefined) {
      const { end } = sealed;
      ends.push(end);
      if (sealed.vouched) vouched.add(segment.id);
      lastSequences.push(end.lastSequence);
      flushed = Math.max(flushed, sealed.flushed);
      while (unflushed.length > 0 && unflushed[0]!.sequence <= flushed) unflushed.shift();
      // Which of its frames is the first one nobody remembers: all of them are written again.
      const unknown = { place: candidate, offset: 0, sequence: end.lastSequence };
      if (flushed < end.lastSequence) unflushed.push(unknown);
      clean = false;
      const chain = { sequence: end.lastSequence, checksum: end.lastChecksum };
      scan = { chain, offset: end.end, damage: undefined };
      continue;
    }
    const lastSequence = next === undefined ? Number.POSITIVE_INFINITY : next.firstSequence - 1;
    if (ends.length > 0) await observer.restore(ends.splice(0));
    const reader = new ChunkReader(files.get(segment.id));
    scan = await scanSegment(reader, segment, scan.chain, lastSequence, (frame) => {
      observer.visit(frame);
      const { header } = frame;
      flushed = Math.max(flushed, header.flushed);
      unflushed.push({ place: candidate, offset: header.offset, sequence: header.sequence });
      while (unflushed.length > 0 && unflushed[0]!.sequence <= flushed) unflushed.shift();
      clean = frame.header.clean;
    });
    if (scan.chain.sequence === sequence) break;
    lastSequences.push(scan.chain.sequence);
    if (next !== undefined && scan.chain.sequence < lastSequence) break;
  }
  if (ends.length > 0) await observer.restore(ends);
  const { chain: end, offset, damage } = scan;
  const tail = { unflushed: unflushed[0], vouched };
  return { end, place, offset, gap, damage, clean, flushed, lastSequences, ...tail };
}

/** What is known of a segment that has a successor, when it need not be read frame by frame. */
interface KnownEnd {
  readonly end: SegmentEnd;
  /** Its frames are flushed up to this one. */
  readonly flushed: number;
  readonly vouched: boolean;
}

async function sealedEnd(
  files: SegmentFiles,
  segment: Candidate,
  next: SegmentHeader | undefined,
  observer: RecoveryObserver,
): Promise<KnownEnd | undefined> {
  if (segment.gap !== undefined) {
    return { end: segment.gap, flushed: segment.gap.lastSequence, vouched: true };
  }
  if (next === undefined) return undefined;
  const vouched = await observer.endOf(segment.id);
  if (vouched !== undefined && agrees(vouched, files, segment, next)) {
    return { end: vouched, flushed: vouched.lastSequence, vouched: true };
  }
  const lastSequence = next.firstSequence - 1;
  // A segment of whose frames none is known may be one whose header came to the disk too late.
  if (segment.header === undefined || lastSequence < segment.header.firstSequence) return undefined;
  const read = await observer.readSealed({ id: segment.id, lastSequence });
  if (read === undefined || !agrees(read.end, files, segment, next)) return undefined;
  return { ...read, vouched: false };
}

/** Whether the files agree with what somebody says of a segment. */
function agrees(
  end: SegmentEnd,
  files: SegmentFiles,
  segment: Candidate,
  next: SegmentHeader,
): boolean {
  return (
    segment.header !== undefined &&
    end.storeId === segment.header.storeId &&
    end.lastSequence >= segment.header.firstSequence &&
    follows(next, { sequence: end.lastSequence, checksum: end.lastChecksum }) &&
    end.segmentBytes === files.get(segment.id).size()
  );
}

function follows(header: SegmentHeader | undefined, chain: ChainEnd): boolean {
  return header?.firstSequence === chain.sequence + 1 && header.previousChecksum === chain.checksum;
}

/**
 * What lies behind the chain. Throws `DLE_CORRUPT` if the chain lacks a frame of which any frame,
 * there or in the chain itself, says that it was flushed.
 */
async function examineRemains(
  files: SegmentFiles,
  segments: readonly Candidate[],
  chain: Chain,
): Promise<Remains> {
  let empty = true;
  let emptyBehind = true;
  let { flushed } = chain;
  const { sequence } = chain.end;
  for (let place = chain.place; place < segments.length && flushed <= sequence; place++) {
    const segment = segments[place]!;
    if (segment.gap !== undefined) {
      flushed = Math.max(flushed, segment.gap.lastSequence);
      continue;
    }
    const from = place === chain.place ? chain.offset : 0;
    const reader = new ChunkReader(files.get(segment.id));
    const remains = await searchFrames(reader, segment, from, sequence);
    if (place === chain.place) emptyBehind = remains.empty;
    empty &&= remains.empty;
    flushed = Math.max(flushed, remains.flushed);
  }
  if (flushed > sequence) throw lostFrames(segments, chain, emptyBehind, flushed);
  return { empty, flushed };
}

function lostFrames(
  segments: readonly Candidate[],
  chain: Chain,
  emptyBehind: boolean,
  flushed: number,
): DleError {
  // The chain may have ended where its segment does: then it is the head of the next one that is
  // damaged.
  const inNext = chain.gap && emptyBehind && chain.lastSequences.length > 0;
  const segment = segments[inNext ? chain.place + 1 : chain.place]!;
  const offset = inNext ? 0 : chain.offset;
  const lost = `frame ${chain.end.sequence + 1} is damaged or missing, and frames up to ${flushed} were flushed`;
  const why = chain.damage instanceof Error ? `; ${chain.damage.message}` : '';
  return corrupt({ name: segment.path, offset }, 0, `${lost}${why}`);
}

/**
 * Of a log without its first frame: that may be one whose making was interrupted, and nothing else.
 */
async function refuseLostBeginning(
  files: SegmentFiles,
  segments: readonly Candidate[],
): Promise<void> {
  const first = segments[0];
  if (first === undefined) return;
  // A second segment, more than one step of the first, and anything behind its first frames, come
  // after those are flushed.
  if (segments.length === 1 && files.get(first.id).size() <= RESERVE_STEP_BYTES) {
    const reader = new ChunkReader(files.get(first.id));
    const { empty } = await searchFrames(reader, first, MADE_BYTES, 0);
    if (empty) return;
  }
  throw corrupt({ name: first.path, offset: 0 }, 0, 'the log has lost its beginning');
}

/**
 * Makes the bytes `from` to `to` of a file durable, by writing them once more as they were read. A
 * flush alone would not do: where one has failed before, the system still shows what it has given
 * up to write.
 */
async function writeAgain(vfs: Vfs, path: string, from: number, to: number): Promise<void> {
  const file = vfs.openSync(path);
  try {
    const reader = new ChunkReader(file);
    for (let at = from; at < to; at += STEP_BYTES) {
      file.writeSync([await reader.read(at, Math.min(STEP_BYTES, to - at))], at);
    }
    await file.datasync();
  } finally {
    await file.close();
  }
}
