import { join } from 'node:path';
import { type Clock, DleError, isDleError } from '@dle/common';
import { isGone } from '../compaction/gaps.js';
import {
  encodeManifest,
  MANIFEST_NAME,
  type Manifest,
  readManifest,
} from '../compaction/manifest.js';
import type { Damage } from '../directory/directories.js';
import {
  directoryName,
  parseDirectoryName,
  readDirectoryHeader,
} from '../directory/directory-format.js';
import { encodeDirectory } from '../directory/encode-directory.js';
import { readSealedSegment, type SegmentContent } from '../directory/sealed-segment.js';
import { readSortedSegment } from '../directory/sorted-content.js';
import { sortedName } from '../directory/sorted-segment.js';
import { ChunkReader } from '../log/chunk-reader.js';
import type { DeadExtents } from '../log/dead-extents.js';
import type { Log } from '../log/log.js';
import {
  parseSegmentName,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from '../log/segment-header.js';
import { scanSegment } from '../log/segment-scan.js';
import { checkDirectory } from '../scrub/check-directory.js';
import type { Vfs } from '../vfs/vfs.js';
import type { VerifyReport } from './types.js';

const STEP_BYTES = 256 * 1024;

/** What is to be known of a log, be it open or not. */
export type VerifiedLog = Pick<
  Log,
  'storeId' | 'flushed' | 'accepted' | 'lastSegment' | 'activeSegment' | 'failure'
>;

/** What the store knows of its files. */
interface KnownOfFiles {
  /** Key directories that have been made again since it was opened. */
  readonly healed: readonly Damage[];
  /** Whose key directories count. */
  readonly listed: ReadonlySet<number>;
  /** Where replaced entries lie, in a replicated store. */
  readonly dead?: DeadExtents;
}

/** A segment of the log, or segments that compaction has rewritten. */
interface Place {
  readonly id: number;
  readonly isGone: boolean;
  /** `undefined`: it is damaged. */
  readonly header: SegmentHeader | undefined;
}

/**
 * Reads every byte of a store, by `pread`, and holds it against its checksums, the frames against
 * each other, and every key directory against its segment. Finds all that is damaged, one place in
 * each segment at the most. Throws `DLE_IO`, `DLE_FORMAT`.
 */
export class Verifier {
  readonly #vfs: Vfs;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #log: VerifiedLog;
  readonly #known: KnownOfFiles;
  readonly #damage: Damage[] = [];
  readonly #harmless: Damage[];
  #files = 0;
  #bytes = 0;
  #records = 0;

  constructor(
    { vfs, clock, log }: { readonly vfs: Vfs; readonly clock: Clock; readonly log: VerifiedLog },
    directory: string,
    known: KnownOfFiles,
  ) {
    this.#known = known;
    this.#harmless = [...known.healed];
    this.#vfs = vfs;
    this.#clock = clock;
    this.#log = log;
    this.#directory = directory;
  }

  async run(): Promise<VerifyReport> {
    const { failure } = this.#log;
    await this.#verify();
    if (this.#damage.length > 0 && this.#log.failure !== failure) {
      // It has failed meanwhile, and what was being written then is no damage. It stays as it is.
      const components = { vfs: this.#vfs, clock: this.#clock, log: this.#log };
      return new Verifier(components, this.#directory, this.#known).run();
    }
    const [files, bytes, records] = [this.#files, this.#bytes, this.#records];
    return { files, bytes, records, damage: this.#damage, harmless: this.#harmless };
  }

  async #verify(): Promise<void> {
    // As it is now: the log may go on in another segment meanwhile.
    const { flushed, accepted, lastSegment, activeSegment, failure } = this.#log;
    const tail = { flushed, accepted, activeSegment };
    const names = await this.#vfs.list(this.#directory);
    const manifest = await this.#verifyManifest();
    // One that has yet to be made again is nothing that anybody relies on.
    const made = names.map(parseDirectoryName);
    const directories = new Set(
      made.filter((id) => id !== undefined && this.#known.listed.has(id)),
    );
    const gaps = manifest?.gaps ?? [];
    const ids = names.map(parseSegmentName).filter((id) => id !== undefined && id <= lastSegment);
    const places = await this.#places(ids as number[], gaps);
    for (const { id } of manifest?.sorted ?? []) await this.#verifySorted(id, directories.has(id));
    // Of a log that has failed, what was begun behind the last flush may be torn.
    const isFlushed = ({ header }: Place): boolean =>
      header !== undefined && header.firstSequence <= flushed;
    const end = failure === undefined ? places.length - 1 : places.findLastIndex(isFlushed);
    const behind = places.slice(end + 1);
    for (const [at, { id, isGone, header }] of places.slice(0, end + 1).entries()) {
      const next = places[at + 1]?.header;
      if (isGone) continue;
      if (header === undefined) this.#noteHead(id);
      else if (at === end) await this.#verifyLast(header, tail, behind);
      else if (next !== undefined) await this.#verifySealed(id, next, directories.has(id));
    }
    // Segments are rewritten only when the one behind them is on the device.
    if (behind.length > 0 && places[end]?.isGone !== false) this.#noteHead(behind[0]!.id);
    for (const { id } of behind) await this.#verifyTorn(id);
  }

  async #places(ids: readonly number[], gaps: Manifest['gaps']): Promise<Place[]> {
    const segments = ids.filter((id) => !isGone(gaps, id)).sort((a, b) => a - b);
    // Made, and not yet written to: there was no room for what was to go there.
    while (segments.length > 0 && (await this.#isBlank(segments.at(-1)!))) segments.pop();
    const places: Place[] = gaps.map(({ firstSegment, header }) => ({
      id: firstSegment,
      isGone: true,
      header,
    }));
    for (const id of segments) {
      places.push({ id, isGone: false, header: await this.#headerOf(id) });
    }
    return places.sort((a, b) => a.id - b.id);
  }

  async #isBlank(id: number): Promise<boolean> {
    const path = join(this.#directory, segmentName(id));
    return (await this.#reading(path, (reader) => firstNonZero(reader, 0))) === -1;
  }

  /** `undefined` if it is not what it should be. */
  async #headerOf(id: number): Promise<SegmentHeader | undefined> {
    const path = join(this.#directory, segmentName(id));
    return this.#reading(path, async (reader) => {
      const bytes = await reader.read(0, SEGMENT_HEADER_BYTES);
      const header = readSegmentHeader(bytes, id, { name: path, offset: 0 });
      return header?.storeId === this.#log.storeId ? header : undefined;
    });
  }

  #noteHead(id: number): void {
    const path = join(this.#directory, segmentName(id));
    this.#note(path, 0, 'no header of a segment of this store');
  }

  async #verifySealed(id: number, next: SegmentHeader, hasDirectory: boolean): Promise<void> {
    const path = join(this.#directory, segmentName(id));
    const dead = this.#known.dead?.of(id) ?? [];
    const sealed = { id, lastSequence: next.firstSequence - 1, dead };
    const content = await this.#noting(path, () =>
      readSealedSegment(this.#vfs, this.#directory, sealed, this.#pause),
    );
    this.#files++;
    if (content === undefined) {
      // Nothing to hold it against: its own checksums must do.
      if (hasDirectory) await this.#verifyDirectoryAlone(id);
      return;
    }
    this.#bytes += content.checkpoint.segmentBytes;
    this.#records += content.records;
    if (content.checkpoint.lastChecksum !== next.previousChecksum) {
      const follower = join(this.#directory, segmentName(next.segment));
      this.#note(follower, 32, 'does not follow the segment before it');
    }
    if (hasDirectory) return this.#verifyDirectory(content);
    await this.#reading(path, (reader) => this.#noteRemains(path, reader, content.checkpoint.end));
  }

  async #verifyManifest(): Promise<Manifest | undefined> {
    const path = join(this.#directory, MANIFEST_NAME);
    const manifest = await this.#noting(path, () => readManifest(this.#vfs, this.#directory));
    if (manifest === undefined) return undefined;
    this.#files++;
    this.#bytes += encodeManifest(manifest).length;
    if (manifest.storeId !== this.#log.storeId) this.#note(path, 24, 'of another store');
    return manifest;
  }

  async #verifySorted(id: number, hasDirectory: boolean): Promise<void> {
    const path = join(this.#directory, sortedName(id));
    this.#files++;
    const content = await this.#noting(path, () =>
      readSortedSegment(this.#vfs, this.#directory, id, this.#pause),
    );
    if (content === undefined) {
      if (hasDirectory) await this.#verifyDirectoryAlone(id);
      return;
    }
    this.#bytes += content.checkpoint.segmentBytes;
    this.#records += content.records;
    if (hasDirectory) await this.#verifyDirectory(content);
  }

  /** The directory is the same, byte for byte, as one made of the segment now. */
  async #verifyDirectory(content: SegmentContent): Promise<void> {
    const { checkpoint } = content;
    const { segment } = checkpoint;
    const path = join(this.#directory, directoryName(segment));
    this.#files++;
    await this.#reading(path, async (reader) => {
      this.#bytes += reader.size;
      let size = 0;
      for (const { offset, bytes: expected } of encodeDirectory(content)) {
        const bytes = await reader.read(offset, expected.length);
        if (Buffer.compare(bytes, expected) !== 0) {
          const at = offset + differsAt(bytes, expected);
          // What is behind the frames of the segment counts in the header, as one checksum.
          const isTail = offset === 0 && saysAnotherTail(bytes, content, path);
          if (!isTail) return this.#note(path, at, 'is not what the segment holds');
          const file = join(this.#directory, segmentName(segment));
          // No record is there. A machine that failed may have lost what a torn write had left.
          const message = 'what lies behind the last frame has changed';
          this.#harmless.push({ file, offset: checkpoint.end, message });
        }
        size = Math.max(size, offset + expected.length);
        await this.#pause();
      }
      if (reader.size > size) this.#note(path, size, 'there is more than there should be');
    });
  }

  async #verifyDirectoryAlone(segment: number): Promise<void> {
    const path = join(this.#directory, directoryName(segment));
    this.#files++;
    const file = this.#vfs.openSync(path, { readOnly: true });
    try {
      await checkDirectory(file, segment, (damage) => this.#damage.push(damage));
    } finally {
      await file.close();
    }
  }

  /**
   * The last segment with anything that was flushed when this began, up to there. `behind`: those
   * that are said to hold nothing of that.
   */
  async #verifyLast(
    header: SegmentHeader,
    { flushed, accepted, activeSegment }: Pick<Log, 'flushed' | 'accepted' | 'activeSegment'>,
    behind: readonly Place[],
  ): Promise<void> {
    const id = header.segment;
    const path = join(this.#directory, segmentName(id));
    this.#files++;
    await this.#reading(path, async (reader) => {
      this.#bytes += reader.size;
      const chain = { sequence: header.firstSequence - 1, checksum: header.previousChecksum };
      const scan = await scanSegment(reader, { id, path }, chain, flushed, (frame) => {
        frame.entries?.forEachRecord(() => {
          this.#records++;
        });
      });
      if (scan.chain.sequence < flushed) {
        // It may have ended here: then it is the head of the next one that is damaged.
        const isHere = behind.length === 0 || (await firstNonZero(reader, scan.offset)) >= 0;
        if (!isHere) return this.#noteHead(behind[0]!.id);
        const why = scan.damage ?? new Error('a frame is damaged or missing');
        this.#noteThrown(path, why, scan.offset);
      } else if (id !== activeSegment) {
        await this.#noteRemains(path, reader, scan.offset);
      } else if (flushed === accepted) {
        const at = await firstNonZero(reader, scan.offset);
        // Unless it has been written to meanwhile.
        if (at >= 0 && accepted === this.#log.accepted) this.#note(path, at, 'should be zero');
      }
    });
  }

  /** Begun, and not flushed before the log has failed: it is torn, and nobody relies on it. */
  async #verifyTorn(id: number): Promise<void> {
    const path = join(this.#directory, segmentName(id));
    this.#files++;
    await this.#reading(path, async (reader) => {
      this.#bytes += reader.size;
      await this.#noteRemains(path, reader, 0);
    });
  }

  /** A crash, or a failure, may have torn the last write before this segment was left. */
  async #noteRemains(file: string, reader: ChunkReader, end: number): Promise<void> {
    const offset = await firstNonZero(reader, end);
    if (offset < 0) return;
    this.#harmless.push({ file, offset, message: 'belongs to no write that was flushed' });
  }

  readonly #pause = (): Promise<void> => new Promise((resolve) => this.#clock.defer(resolve));

  async #reading<T>(
    path: string,
    read: (reader: ChunkReader) => Promise<T>,
  ): Promise<T | undefined> {
    const file = this.#vfs.openSync(path, { readOnly: true });
    try {
      return await this.#noting(path, () => read(new ChunkReader(file)));
    } finally {
      await file.close();
    }
  }

  /** What `work` gives; `undefined`, with the damage noted, if it meets any. */
  async #noting<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
      this.#noteThrown(path, thrown, 0);
      return undefined;
    }
  }

  #noteThrown(path: string, thrown: unknown, offset: number): void {
    const { details, message } = DleError.from(thrown);
    const at = details?.offset;
    this.#note(path, typeof at === 'number' ? at : offset, message);
  }

  #note(file: string, offset: number, message: string): void {
    this.#damage.push({ file, offset, message });
  }
}

function differsAt(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) if (a[at] !== b[at]) return at;
  return shorter;
}

/** Whether the header is intact, and right in all but what it says of the tail of the segment. */
function saysAnotherTail(header: Uint8Array, content: SegmentContent, path: string): boolean {
  const { checkpoint } = content;
  try {
    const found = readDirectoryHeader(header, checkpoint.segment, { name: path, offset: 0 });
    return found.tailChecksum !== checkpoint.tailChecksum;
  } catch {
    return false;
  }
}

/** -1 if there is none from `offset` on. */
async function firstNonZero(reader: ChunkReader, offset: number): Promise<number> {
  for (let start = offset; start < reader.size; start += STEP_BYTES) {
    const bytes = await reader.read(start, STEP_BYTES);
    const at = bytes.findIndex((byte) => byte !== 0);
    if (at >= 0) return start + at;
  }
  return -1;
}
