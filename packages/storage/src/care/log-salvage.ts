import { join } from 'node:path';
import { directoryName } from '../directory/directory-format.js';
import { ChunkReader } from '../log/chunk-reader.js';
import { searchFrames } from '../log/frame-search.js';
import type { LogGap } from '../log/log-options.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import {
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from '../log/segment-header.js';
import { scanSegment } from '../log/segment-scan.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { Continuity } from './continuity.js';
import type { Salvage } from './salvage.js';
import { SoundDirectory } from './sound-directory.js';
import { findRegions, nextFrame, type Region, WholeRecords } from './whole-records.js';

/** A segment of the log, or a place where there was one. */
interface Place {
  readonly id: number;
  readonly hasFile: boolean;
  readonly hasDirectory: boolean;
  /** Segments that compaction has rewritten. */
  readonly gap: LogGap | undefined;
  readonly header: SegmentHeader | undefined;
  /** Of the first frame that is known of it. */
  readonly firstSequence: number | undefined;
  /** Of the first entry that is known of it. */
  readonly firstIndex: number | undefined;
}

export interface LogContents {
  readonly names: ReadonlySet<string>;
  /** Ids of the segments, and of key directories of segments whose files are missing. */
  readonly ids: readonly number[];
  readonly gaps: readonly LogGap[];
  /** Whether ids of segments may be missing because compaction has had them. */
  readonly isCompacted: boolean;
  readonly storeId: string | undefined;
}

/**
 * Takes what is whole of the log, segment by segment. Entries have consecutive indexes: where some
 * are missing they are lost, and whatever is damaged in between has held them.
 */
export class LogSalvage {
  readonly #vfs: Vfs;
  readonly #directory: string;
  readonly #salvage: Salvage;
  readonly #contents: LogContents;
  readonly #continuity: Continuity;
  /** The last frame that is known of. */
  #sequence = 0;

  constructor(vfs: Vfs, directory: string, salvage: Salvage, contents: LogContents) {
    this.#vfs = vfs;
    this.#directory = directory;
    this.#salvage = salvage;
    this.#contents = contents;
    this.#continuity = new Continuity((loss) => salvage.lose(loss));
  }

  async run(done: (id: number) => void): Promise<void> {
    const places: Place[] = [];
    for (const id of this.#contents.ids) places.push(await this.#look(id));
    for (const gap of this.#contents.gaps) places.push(placeOf(gap));
    places.sort((a, b) => a.id - b.id);
    for (const [at, place] of places.entries()) {
      const behind = places.slice(at + 1);
      const below = behind.find(({ firstSequence }) => firstSequence !== undefined)?.firstSequence;
      const before = behind.find(({ firstIndex }) => firstIndex !== undefined)?.firstIndex;
      if (place.gap !== undefined) this.#pass(place.gap);
      else await this.#take(place, below ?? Number.POSITIVE_INFINITY, before);
      done(place.id);
    }
    this.#continuity.end();
  }

  #pass({ header, end }: LogGap): void {
    if (header.firstSequence > this.#sequence + 1)
      this.#continuity.unknown(this.#pathOf(header.segment));
    this.#continuity.passTo(end.lastIndex);
    this.#sequence = end.lastSequence;
  }

  async #take(place: Place, below: number, before: number | undefined): Promise<void> {
    // Frames are missing before it: what was in them, the indexes will say, or nobody.
    const isMissing = (place.firstSequence ?? 0) > this.#sequence + 1;
    if (isMissing) this.#continuity.missing(this.#pathOf(place.id));
    if (!place.hasFile) {
      await this.#takeNamed(place, undefined);
      return;
    }
    const source = this.#salvage.open(segmentName(place.id));
    await this.#reading(place.id, async (file) => {
      const reader = new ChunkReader(file);
      const path = this.#pathOf(place.id);
      const whole = await this.#takeChain(place, reader, { source, below });
      if (whole.isWhole) return;
      if (await this.#takeNamed(place, source)) return;
      const { from } = whole;
      const bounds = { from, above: this.#sequence, below };
      const regions = await findRegions(reader, { id: place.id, path }, bounds);
      const hasFrames = regions.some(({ frame }) => frame !== undefined);
      // It is no part of the log, be it a copy of another, or one that has yet to be begun.
      const isStray = place.header === undefined && !hasFrames;
      if (isStray && (below === this.#sequence + 1 || below === Number.POSITIVE_INFINITY)) {
        if (this.#lacksOneBefore(place.id)) this.#continuity.unknown(path);
        return;
      }
      await this.#takeRegions(regions, reader, { source, path, below, before });
    });
  }

  /** Follows the unbroken chain from the head of the segment; whether that is all there was. */
  async #takeChain(
    { id, header }: Place,
    reader: ChunkReader,
    { source, below }: { readonly source: number; readonly below: number },
  ): Promise<{ isWhole: boolean; from: number }> {
    if (header === undefined) return { isWhole: false, from: SEGMENT_HEADER_BYTES };
    const path = this.#pathOf(id);
    const chain = { sequence: header.firstSequence - 1, checksum: header.previousChecksum };
    const scan = await scanSegment(reader, { id, path }, chain, below - 1, (frame) => {
      frame.entries?.forEachRecord((record) => {
        this.#accept(source, path, record, frame.origin.offset + record.offset);
      });
    });
    const { sequence } = scan.chain;
    this.#sequence = Math.max(this.#sequence, sequence);
    if (sequence === below - 1) return { isWhole: true, from: scan.offset };
    if (below === Number.POSITIVE_INFINITY) {
      const remains = await searchFrames(reader, { id, path }, scan.offset, sequence);
      // What was never flushed, and is torn, is no damage.
      return { isWhole: remains.flushed <= sequence, from: scan.offset };
    }
    return { isWhole: false, from: scan.offset };
  }

  /** Whether there must have been a segment below `id` of which nothing is left. */
  #lacksOneBefore(id: number): boolean {
    const { ids, isCompacted } = this.#contents;
    return !isCompacted && ids.filter((other) => other < id).length < id - 1;
  }

  /** Whether there is a key directory that says what there was. */
  async #takeNamed(place: Place, source: number | undefined): Promise<boolean> {
    const { id, hasDirectory } = place;
    if (!hasDirectory) return false;
    const directory = await SoundDirectory.open(this.#vfs, this.#directory, id);
    const { storeId } = this.#contents;
    if (directory === undefined || directory.header.sorted) return false;
    if (storeId !== undefined && directory.header.storeId !== storeId) return false;
    const { firstIndex, lastIndex, lastSequence } = directory.header;
    await this.#salvage.takeNamed(directory, this.#pathOf(id), source);
    this.#continuity.passOver(this.#pathOf(id), firstIndex, lastIndex);
    this.#sequence = Math.max(this.#sequence, lastSequence);
    return true;
  }

  async #takeRegions(
    regions: readonly Region[],
    reader: ChunkReader,
    segment: {
      readonly source: number;
      readonly path: string;
      readonly below: number;
      readonly before: number | undefined;
    },
  ): Promise<void> {
    const { source, path, below, before } = segment;
    const records = new WholeRecords(reader, path);
    this.#continuity.begin();
    if (regions.length === 0) this.#continuity.damaged(path, reader.size, reader.size, false);
    for (const [at, { from, to, frame }] of regions.entries()) {
      if (frame === undefined && to === reader.size) {
        // Behind the last frame: what was written last, and torn, or nothing.
        if (this.#sequence === below - 1 || below === Number.POSITIVE_INFINITY) break;
        if (await records.isBlank(from, to)) {
          this.#continuity.damaged(path, from, to, false);
          break;
        }
      }
      const limit = (await firstIndexBehind(regions.slice(at + 1), records)) ?? before;
      const highest = limit === undefined ? Number.POSITIVE_INFINITY : limit - 1;
      const suits = (record: RecordView, offset: number): boolean =>
        changesKey(record) && this.#continuity.admits(record.index, offset, highest);
      for (let offset = from; offset < to; ) {
        const { record, end } = await records.at(offset, to);
        if (record !== undefined && suits(record, offset)) {
          this.#accept(source, path, record, offset);
          offset = end!;
          continue;
        }
        const isCut = record === undefined && end !== undefined;
        const next = isCut ? end : ((await records.next(offset + 8, to, suits)) ?? to);
        // Between two frames the head of one has to lie somewhere.
        const heads = frame === undefined && (offset === from || next - offset === 64) ? 64 : 0;
        this.#continuity.damaged(path, offset, next, next - offset - heads >= 64);
        offset = next;
      }
      if (frame !== undefined) this.#sequence = frame.sequence;
    }
  }

  #accept(source: number, path: string, record: RecordView, offset: number): void {
    if (!changesKey(record)) return;
    this.#continuity.next(path, record, offset);
    this.#salvage.take(source, record, offset);
  }

  async #look(id: number): Promise<Place> {
    const { names, storeId } = this.#contents;
    const hasDirectory = names.has(directoryName(id));
    const hasFile = names.has(segmentName(id));
    const nothing = { header: undefined, firstSequence: undefined, gap: undefined };
    const named = hasDirectory
      ? await SoundDirectory.open(this.#vfs, this.#directory, id)
      : undefined;
    const firstNamed = named?.header.firstIndex === 0 ? undefined : named?.header.firstIndex;
    if (!hasFile) return { id, hasFile, hasDirectory, firstIndex: firstNamed, ...nothing };
    return this.#reading(id, async (file) => {
      const reader = new ChunkReader(file);
      const path = this.#pathOf(id);
      const bytes = await reader.read(0, SEGMENT_HEADER_BYTES);
      const found = readSegmentHeader(bytes, id, { name: path, offset: 0 });
      const header = found?.storeId === storeId ? found : undefined;
      const frame = await nextFrame(reader, { id, path }, SEGMENT_HEADER_BYTES, () => true);
      const firstSequence = header?.firstSequence ?? frame?.sequence;
      let firstIndex = firstNamed;
      if (firstIndex === undefined && frame !== undefined) {
        const bounds = { from: frame.offset, above: 0, below: Number.POSITIVE_INFINITY };
        const regions = await findRegions(reader, { id, path }, bounds);
        firstIndex = await firstIndexBehind(regions, new WholeRecords(reader, path));
      }
      return { id, hasFile, hasDirectory, gap: undefined, header, firstSequence, firstIndex };
    });
  }

  #pathOf(id: number): string {
    return join(this.#directory, segmentName(id));
  }

  async #reading<T>(id: number, work: (file: VfsFile) => Promise<T>): Promise<T> {
    const file = this.#vfs.openSync(this.#pathOf(id), { readOnly: true });
    try {
      return await work(file);
    } finally {
      await file.close();
    }
  }
}

function placeOf(gap: LogGap): Place {
  const { header, end } = gap;
  return {
    id: end.segment,
    hasFile: false,
    hasDirectory: false,
    gap,
    header,
    firstSequence: header.firstSequence,
    firstIndex: undefined,
  };
}

/** Of the first record in the frames of `regions` that is whole. */
async function firstIndexBehind(
  regions: readonly Region[],
  records: WholeRecords,
): Promise<number | undefined> {
  for (const { from, to, frame } of regions) {
    if (frame === undefined || from === to) continue;
    const { record } = await records.at(from, to);
    if (record !== undefined && record.index > 0) return record.index;
  }
  return undefined;
}

function changesKey({ kind, term }: RecordView): boolean {
  return (kind === RecordKind.put || kind === RecordKind.delete) && term === 0;
}
