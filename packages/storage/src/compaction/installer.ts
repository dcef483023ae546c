import { assert } from '@dle/common';
import { copyOf } from '../bytes.js';
import type { Log } from '../log/log.js';
import type { LogGap, SegmentEnd } from '../log/log-options.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES } from '../log/segment-header.js';
import type { Catalog, SealedFile } from '../store/catalog.js';
import type { Vfs } from '../vfs/vfs.js';
import type { CompactionCounters } from './compactor.js';
import type { Floor, LogFloor } from './log-floor.js';
import { type Manifest, type ManifestFloor, type SortedEntry, writeManifest } from './manifest.js';
import type { Relocation } from './relocation.js';

export interface InstallerComponents {
  readonly vfs: Vfs;
  readonly log: Log;
  readonly catalog: Catalog;
  readonly files: SegmentFiles;
  readonly relocation: Relocation;
  /** `undefined` in a standalone store. */
  readonly floor: LogFloor | undefined;
}

/**
 * Writes down what compaction has made, so that it counts: outputs are durable before the manifest
 * names them, and inputs are unlinked after it does not any more. Each step can be repeated.
 */
export class Installer {
  readonly counters: CompactionCounters = {
    jobs: 0,
    failed: 0,
    dropped: 0,
    bytesRead: 0,
    bytesWritten: 0,
    bytesFreed: 0,
  };
  readonly #components: InstallerComponents;
  readonly #directory: string;
  /** As it is on the disk; `undefined`: there is none. */
  #manifest: Manifest | undefined;
  /** Of records left out, when a file was first known. */
  readonly #droppedBefore = new Map<number, number>();
  #dropped: number;
  /** One manifest at a time. */
  #writing: Promise<void> = Promise.resolve();

  constructor(components: InstallerComponents, directory: string, manifest: Manifest | undefined) {
    this.#components = components;
    this.#directory = directory;
    this.#manifest = manifest;
    this.#dropped = manifest?.dropped ?? 0;
    for (const { id, dropped } of manifest?.sorted ?? []) this.#droppedBefore.set(id, dropped);
  }

  get manifest(): Manifest | undefined {
    return this.#manifest;
  }

  /** A number that no sorted run has. */
  get nextRun(): number {
    const runs = this.#components.catalog.files.map(({ run }) => run);
    const written = this.#manifest?.sorted.map(({ run }) => run) ?? [];
    return [...runs, ...written].reduce((highest, run) => Math.max(highest, run), 0) + 1;
  }

  /** Id of the last segment of the log that is gone; 0 if none is. */
  get lastGone(): number {
    return this.#manifest?.gaps.at(-1)?.end.segment ?? 0;
  }

  /** Records that compaction has left out since the file was known. */
  droppedSince(id: number): number {
    const before = this.#droppedBefore.get(id);
    if (before === undefined) this.#droppedBefore.set(id, this.#dropped);
    return this.#dropped - (before ?? this.#dropped);
  }

  /** There is a manifest before there is the first sorted segment. */
  async prepare(): Promise<void> {
    if (this.#manifest !== undefined) return;
    assert(this.#components.floor === undefined, 'there is nothing to compact above the floor');
    await this.#alone(() => this.#write([], [], 0, undefined));
  }

  /** The manifest on the disk is damaged: another one takes its place. Rejects as `install` does. */
  async rewrite(): Promise<void> {
    const { floor, log } = this.#components;
    await this.#alone(async () => {
      if (this.#manifest === undefined) return;
      const checkpoint = floor?.checkpoint();
      await log.whenFlushed(log.accepted);
      await this.#write([], [], 0, checkpoint);
    });
  }

  /**
   * The entries up to a floor are given up. A lower one than before is ignored. Rejects with
   * `DLE_INVALID_ARGUMENT`, `DLE_STORAGE_POISONED`, `DLE_DISK_FULL`, `DLE_IO`: then the one before
   * counts.
   */
  async setFloor(wanted: Floor): Promise<void> {
    const { floor, log } = this.#components;
    assert(floor !== undefined, 'a standalone store has no floor');
    floor.check(wanted);
    const kept = { ...wanted, state: copyOf(wanted.state) };
    await this.#alone(async () => {
      if (kept.index <= floor.current.index) return;
      const checkpoint = floor.checkpoint(kept);
      await log.whenFlushed(log.accepted);
      await this.#write([], [], 0, checkpoint);
      floor.raise(kept);
    });
  }

  /**
   * What is in the catalog counts from now on, and `gone` does not: nothing in it does any more.
   * All of it goes, or nothing: deletes have been left out because what they hide goes with them.
   * Rejects with `DLE_STORAGE_POISONED`, `DLE_DISK_FULL`, `DLE_IO`: then both count.
   */
  async install(gone: readonly SealedFile[], dropped: number): Promise<void> {
    await this.#alone(() => this.#install(gone, dropped));
  }

  async #install(gone: readonly SealedFile[], dropped: number): Promise<void> {
    const { log, relocation, floor } = this.#components;
    for (const { id } of gone) {
      const live = relocation.live.liveOf(relocation.slotOf(id));
      assert(live === 0, `${live} bytes of file ${id} count, and it was to go`);
    }
    const checkpoint = floor?.checkpoint();
    // What does not count for there is a newer record is needed for as long as that may be lost.
    await log.whenFlushed(log.accepted);
    const gaps = [];
    for (const file of gone) if (file.kind === 'log') gaps.push(await this.#gapOf(file));
    await this.#write(gone, gaps, dropped, checkpoint);
    this.counters.dropped += dropped;
    for (const { id, header } of gone) {
      this.#droppedBefore.delete(id);
      this.counters.bytesFreed += header.segmentBytes;
    }
  }

  async #write(
    gone: readonly SealedFile[],
    gaps: readonly LogGap[],
    dropped: number,
    floor: ManifestFloor | undefined,
  ): Promise<void> {
    const { vfs, log, catalog } = this.#components;
    const leaving = new Set(gone.map(({ id }) => id));
    const total = this.#dropped + dropped;
    const entries = new Map<number, SortedEntry>();
    for (const entry of this.#manifest?.sorted ?? []) entries.set(entry.id, entry);
    for (const { id, kind, run, header } of catalog.files) {
      if (kind !== 'sorted' || entries.has(id)) continue;
      entries.set(id, { id, bytes: header.segmentBytes, run, dropped: total });
      this.#droppedBefore.set(id, total);
    }
    const sorted = [...entries.values()].filter(({ id }) => !leaving.has(id));
    const manifest: Manifest = {
      storeId: log.storeId,
      nextId: log.space.lastId + 1,
      dropped: total,
      sorted: sorted.sort((a, b) => a.id - b.id),
      gaps: joined([...(this.#manifest?.gaps ?? []), ...gaps]),
      floor,
    };
    await writeManifest(vfs, this.#directory, manifest);
    this.#manifest = manifest;
    this.#dropped = total;
    // At once: who looks at both, as a backup does, finds them of one mind.
    if (gone.length > 0) catalog.change([], new Set(gone));
  }

  /** Resolves when no manifest is being written, nor waits to be. */
  async idle(): Promise<void> {
    for (let last: Promise<void> | undefined; last !== this.#writing; await last) {
      last = this.#writing;
    }
  }

  #alone(write: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(write);
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  /** What the log must know of a segment once it is gone. */
  async #gapOf({ id, header }: SealedFile): Promise<LogGap> {
    const { files } = this.#components;
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const origin = { name: files.pathOf(id), offset: 0 };
    const count = await files.get(id).read(bytes, 0);
    const read = readSegmentHeader(bytes.subarray(0, count), id, origin);
    assert(read !== undefined, `the header of segment ${id} cannot be read`);
    return { firstSegment: id, header: read, end: header };
  }
}

/** Gaps that lie next to each other are one. */
function joined(gaps: readonly LogGap[]): LogGap[] {
  const all: LogGap[] = [];
  for (const gap of [...gaps].sort((a, b) => a.firstSegment - b.firstSegment)) {
    const last = all.at(-1);
    if (last !== undefined && gap.header.firstSequence === last.end.lastSequence + 1) {
      all[all.length - 1] = { ...last, end: endOfBoth(last.end, gap.end) };
    } else {
      all.push(gap);
    }
  }
  return all;
}

/** A segment may hold no entry: then the one before has the last. */
function endOfBoth(first: SegmentEnd, second: SegmentEnd): SegmentEnd {
  const { lastIndex, lastTerm } = second.lastIndex > 0 ? second : first;
  return { ...second, lastIndex, lastTerm, commit: Math.max(first.commit, second.commit) };
}
