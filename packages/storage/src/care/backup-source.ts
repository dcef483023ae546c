import { join } from 'node:path';
import type { Installer } from '../compaction/installer.js';
import type { Manifest } from '../compaction/manifest.js';
import { directoryBytes, directoryName } from '../directory/directory-format.js';
import { sortedName } from '../directory/sorted-segment.js';
import { corrupt } from '../errors.js';
import { ChunkReader } from '../log/chunk-reader.js';
import { encodeFrameHeader } from '../log/frame.js';
import type { Log } from '../log/log.js';
import {
  parseSegmentName,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from '../log/segment-header.js';
import { scanSegment } from '../log/segment-scan.js';
import type { Catalog, Hold } from '../store/catalog.js';
import type { Vfs } from '../vfs/vfs.js';
import type { WantedFile } from './file-copier.js';

export interface BackupSourceComponents {
  readonly vfs: Vfs;
  readonly log: Log;
  readonly catalog: Catalog;
  readonly installer: Installer;
  /** The last entry that reads show. */
  readonly applied: { readonly appliedIndex: number };
}

/** What a backup consists of. */
export interface BackupContent {
  readonly index: number;
  readonly files: readonly WantedFile[];
  readonly manifest: Manifest | undefined;
}

/** Ends the chain of frames: it tells a backup that is whole from one that has lost its end. */
const BREAK = Symbol('the frames of later writes');

/** A store as it was when this was made, for as long as it is not released. */
export class BackupSource {
  readonly #components: BackupSourceComponents;
  readonly #directory: string;
  readonly #hold: Hold;
  readonly #manifest: Manifest | undefined;
  readonly #submitted: number;
  readonly #appliedIndex: number;
  readonly #lastSegment: number;
  readonly #nextId: number;

  constructor(components: BackupSourceComponents, directory: string) {
    const { catalog, installer, log, applied } = components;
    this.#components = components;
    this.#directory = directory;
    this.#hold = catalog.hold();
    this.#manifest = installer.manifest;
    this.#submitted = log.submitted;
    this.#appliedIndex = applied.appliedIndex;
    this.#lastSegment = log.lastSegment;
    this.#nextId = log.space.lastId + 1;
  }

  release(): void {
    this.#hold.release();
  }

  /** Rejects with `DLE_STORAGE_POISONED`, `DLE_CORRUPT`, `DLE_IO`. */
  async content(): Promise<BackupContent> {
    // What was acknowledged with the operating system only is to be on the device as well.
    await this.#components.log.whenFlushed(this.#submitted);
    const manifest = this.#manifestOf();
    const files: WantedFile[] = [];
    for (const { id, kind, header } of this.#hold.files) {
      const name = kind === 'log' ? segmentName(id) : sortedName(id);
      files.push(linked(name, header.segmentBytes));
      files.push(linked(directoryName(id), directoryBytes(header)));
    }
    const listed = new Set(this.#hold.files.map(({ id }) => id));
    for (const { id, bytes } of manifest?.sorted ?? []) {
      if (!listed.has(id)) files.push(linked(sortedName(id), bytes));
    }
    const { index, segments } = await this.#unlisted(listed, manifest);
    return { index, files: [...files, ...segments], manifest };
  }

  /**
   * It names what has been made of the store meanwhile: outputs of a job that is not done, too, for
   * the newest value of a key may be found there alone. Its inputs are there as well, which does no
   * harm: a record that lies twice is one record.
   */
  #manifestOf(): Manifest | undefined {
    const made = this.#hold.files.filter(({ kind }) => kind === 'sorted');
    if (this.#manifest === undefined) return undefined;
    const { dropped, sorted, gaps, storeId } = this.#manifest;
    const named = new Set(sorted.map(({ id }) => id));
    const outputs = made
      .filter(({ id }) => !named.has(id))
      .map(({ id, run, header }) => ({ id, run, bytes: header.segmentBytes, dropped }));
    const all = [...sorted, ...outputs].sort((a, b) => a.id - b.id);
    return { storeId, nextId: this.#nextId, dropped, sorted: all, gaps };
  }

  /** The segments of the log that have no key directory yet: the last of them ends the backup. */
  async #unlisted(
    listed: ReadonlySet<number>,
    manifest: Manifest | undefined,
  ): Promise<{ index: number; segments: WantedFile[] }> {
    const gaps = manifest?.gaps ?? [];
    const isGone = (id: number): boolean =>
      gaps.some(({ firstSegment, end }) => firstSegment <= id && id <= end.segment);
    const ids = (await this.#components.vfs.list(this.#directory))
      .map(parseSegmentName)
      .filter((id) => id !== undefined)
      .filter((id) => id <= this.#lastSegment && !listed.has(id) && !isGone(id))
      .sort((a, b) => a - b);
    /** Where the segments end that are not read here: they may lie between those that are. */
    const ends = [
      ...gaps.map(({ end }) => end),
      ...this.#hold.files.filter(({ kind }) => kind === 'log').map(({ header }) => header),
    ];
    let index = ends.reduce((highest, { lastIndex }) => Math.max(highest, lastIndex), 0);
    const segments: WantedFile[] = [];
    let last: SegmentCut | undefined;
    for (const id of ids) {
      const cut = await this.#cut(id);
      if (cut === undefined) break;
      const before = ends.filter(({ segment }) => segment < id);
      const known = before.map(({ lastSequence }) => lastSequence);
      if (last !== undefined && cut.follows !== Math.max(last.sequence, ...known)) break;
      if (last !== undefined) segments.push(linked(segmentName(last.id), last.size));
      last = cut;
      index = Math.max(index, cut.lastIndex);
      if (cut.sequence === this.#submitted || cut.isCut) break;
    }
    if (last === undefined || (last.sequence < this.#submitted && !last.isCut)) {
      const name = join(this.#directory, segmentName(last?.id ?? this.#lastSegment));
      throw corrupt({ name, offset: last?.end ?? 0 }, 0, 'a frame is damaged or missing');
    }
    segments.push(closed(last));
    return { index, segments };
  }

  /** How far the frames of a segment belong to the backup; `undefined`: not at all. */
  async #cut(id: number): Promise<SegmentCut | undefined> {
    const path = join(this.#directory, segmentName(id));
    const file = this.#components.vfs.openSync(path, { readOnly: true });
    try {
      const reader = new ChunkReader(file);
      const origin = { name: path, offset: 0 };
      const header = readSegmentHeader(await reader.read(0, SEGMENT_HEADER_BYTES), id, origin);
      if (header === undefined) throw corrupt(origin, 0, 'no segment begins here');
      if (header.firstSequence > this.#submitted) return undefined;
      let end = SEGMENT_HEADER_BYTES;
      let lastIndex = 0;
      let [sequence, checksum] = [header.firstSequence - 1, header.previousChecksum];
      let commit = 0;
      let isCut = false;
      try {
        await scanSegment(
          reader,
          { id, path },
          { sequence, checksum },
          this.#submitted,
          (frame) => {
            const { entries } = frame;
            if (entries !== undefined && entries.firstIndex > this.#appliedIndex) throw BREAK;
            lastIndex = entries?.lastIndex ?? lastIndex;
            ({ sequence, checksum } = frame.header);
            commit = Math.max(commit, frame.header.commit);
            end = frame.origin.offset + frame.header.length;
          },
        );
      } catch (thrown) {
        if (thrown !== BREAK) throw thrown;
        isCut = true;
      }
      const follows = header.firstSequence - 1;
      return { id, size: reader.size, follows, end, lastIndex, sequence, checksum, commit, isCut };
    } finally {
      await file.close();
    }
  }
}

interface SegmentCut {
  readonly id: number;
  /** Of the file. */
  readonly size: number;
  /** The last frame before it. */
  readonly follows: number;
  /** Where the frames end that belong to the backup, and the last of them. */
  readonly end: number;
  readonly lastIndex: number;
  readonly sequence: number;
  readonly checksum: number;
  readonly commit: number;
  /** Whether later writes follow in the same segment. */
  readonly isCut: boolean;
}

/**
 * Nobody writes to a sealed file. A start may write the bytes of a segment of the log once more, as
 * they are, to have them on the device: that does no harm to who shares it.
 */
function linked(name: string, bytes: number): WantedFile {
  return { name, bytes, canBeLinked: true };
}

/**
 * The segment that is being written to, never linked, up to where the backup ends. The frame of a
 * clean close follows: so damage in the last writes is told from a torn write, and a backup that
 * has lost its end from a whole one.
 */
function closed({ id, end, sequence, checksum, commit }: SegmentCut): WantedFile {
  const tail = encodeFrameHeader({
    clean: true,
    segment: id,
    offset: end,
    length: 0,
    sequence: sequence + 1,
    flushed: sequence,
    commit,
    replacesFrom: 0,
    previousChecksum: checksum,
  });
  return { name: segmentName(id), bytes: end, tail, canBeLinked: false };
}
