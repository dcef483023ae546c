import { DleError } from '@dle/common';
import { openBase } from '../compaction/base.js';
import { isGone } from '../compaction/gaps.js';
import type { Manifest } from '../compaction/manifest.js';
import type { Directories } from '../directory/directories.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import type { Listed } from '../directory/sealed-segment.js';
import { DeadExtents } from '../log/dead-extents.js';
import type { LogEntries } from '../log/log-entries.js';
import type { LogBase, LogObservers, SegmentEnd } from '../log/log-options.js';
import type { SealedSegment } from '../log/log-writer.js';
import type { SegmentFiles } from '../log/segment-files.js';
import type { Unlisted } from '../ordered/unlisted-files.js';
import type { Vfs } from '../vfs/vfs.js';
import { adoptBase } from './base/staging.js';
import type { Catalog } from './catalog.js';
import type { Keyspace } from './keyspace.js';
import { restoreKeys } from './restore-keys.js';

interface StartComponents {
  readonly vfs: Vfs;
  readonly files: SegmentFiles;
  readonly directories: Directories;
  readonly keys: Keyspace;
}

export interface StartOptions {
  readonly directory: string;
  readonly replicated: boolean;
}

/**
 * How a store learns, when it is opened, what there is. Alone, it takes in all sealed segments from
 * their directories; what consensus writes only up to the floor, for it asks for the entries above.
 */
export class Start {
  manifest: Manifest | undefined;
  readonly #components: StartComponents;
  readonly #options: StartOptions;
  readonly #dead = new DeadExtents();
  #hasRestored = false;
  /** A segment was met that is to be read. */
  #isAboveFloor = false;
  /** The sealed files whose keys were taken in. */
  #restored: readonly Unlisted[] = [];

  constructor(components: StartComponents, options: StartOptions) {
    this.#components = components;
    this.#options = options;
  }

  get observers(): LogObservers {
    return {
      locked: () => this.#openBase(),
      readsEntries: this.#options.replicated,
      endOf: (segment) => this.#endOf(segment),
      readSealed: (segment) => this.#readSealed(segment),
      restore: (ends) => this.#restore(ends),
      recovered: (entries) => this.#takeIn(entries),
    };
  }

  /** Of those that were taken in, the ones that have no whole key directory. */
  get unlisted(): readonly Unlisted[] {
    const listed = new Set(
      Array.from(this.#components.directories.headers, (each) => each.segment),
    );
    return this.#restored.filter(({ id }) => !listed.has(id));
  }

  /** Lists what there is in the catalog; returns who lists a file whose directory was made. */
  listed(catalog: Catalog): (header: DirectoryHeader) => void {
    const { manifest } = this;
    const runs = new Map(manifest?.sorted.map(({ id, run }) => [id, run]));
    const fileOf = (header: DirectoryHeader) => ({
      id: header.segment,
      kind: header.sorted ? ('sorted' as const) : ('log' as const),
      run: runs.get(header.segment) ?? 0,
      header,
    });
    catalog.change(Array.from(this.#components.directories.headers, fileOf));
    return (header) => catalog.change([fileOf(header)]);
  }

  async #openBase(): Promise<LogBase> {
    const { vfs, files } = this.#components;
    const { directory, replicated } = this.#options;
    if (replicated) await adoptBase(vfs, directory);
    const manifest = await openBase(vfs, directory, files);
    this.manifest = manifest;
    if (manifest === undefined) return { gaps: [], nextId: 1 };
    const { gaps, nextId, floor } = manifest;
    if ((floor !== undefined) !== replicated) throw anothers(directory, replicated);
    if (floor === undefined) return { gaps, nextId };
    const dead = floor.dead.filter(({ segment }) => !isGone(gaps, segment));
    for (const extent of dead) this.#dead.add(extent, 0);
    return { gaps, nextId, floor: { ...floor, dead } };
  }

  async #endOf(segment: number): Promise<SegmentEnd | undefined> {
    if (!this.#isBelowFloor(segment)) return undefined;
    const end = await this.#components.directories.checkpointOf(segment);
    if (end === undefined || this.#reaches(end)) return end;
    this.#components.directories.distrust(segment);
    return undefined;
  }

  async #readSealed(
    segment: SealedSegment,
  ): Promise<{ readonly end: SegmentEnd; readonly flushed: number } | undefined> {
    if (!this.#isBelowFloor(segment.id)) return undefined;
    return this.#components.directories.readSealed(this.#toRead(segment));
  }

  #toRead({ id, lastSequence }: SealedSegment): Listed {
    return { id, lastSequence, dead: this.#dead.of(id) };
  }

  /** Segments above the floor are read, and so are all behind the first of them. */
  #isBelowFloor(segment: number): boolean {
    if (!this.#options.replicated) return true;
    const { floor } = this.manifest ?? {};
    this.#isAboveFloor ||= floor === undefined || segment > floor.segment;
    return !this.#isAboveFloor;
  }

  /** Whether a directory says nothing of entries above the floor. */
  #reaches({ lastIndex }: SegmentEnd): boolean {
    const { floor } = this.manifest ?? {};
    return floor === undefined || lastIndex <= floor.index;
  }

  async #restore(ends: readonly SegmentEnd[]): Promise<void> {
    const { directories, keys } = this.#components;
    const { gaps = [], sorted = [], storeId } = this.manifest ?? {};
    const runs = new Map<number, Listed[]>();
    for (const { id, run, bytes } of sorted) {
      const header = await directories.checkpointOf(id);
      const isRight = header?.sorted && header.storeId === storeId && header.segmentBytes === bytes;
      if (isRight !== true) directories.distrust(id);
      const files = runs.get(run) ?? [];
      runs.set(run, files);
      files.push({ id, lastSequence: 0, sorted: true });
    }
    const gone = new Set(gaps.map(({ end }) => end.segment));
    const log = ends.filter(({ segment }) => !gone.has(segment));
    const segments = log.map(({ segment, lastSequence }) => [
      this.#toRead({ id: segment, lastSequence }),
    ]);
    if (this.#hasRestored) throw new DleError('DLE_INTERNAL', 'keys were taken in twice');
    this.#hasRestored = true;
    // A job that was not done has left records twice: the newest file counts, as while it ran.
    await restoreKeys(keys, directories, [...[...runs.values()].reverse(), ...segments]);
    for (const { lastIndex } of ends) keys.restored(lastIndex);
    this.#restored = [
      ...sorted.map(({ id, bytes }) => ({ id, sorted: true, end: bytes })),
      ...log.map(({ segment, end }) => ({ id: segment, sorted: false, end })),
    ];
  }

  /** Takes in what recovery has just read. */
  #takeIn(entries: LogEntries): void {
    const { keys } = this.#components;
    const { directory, replicated } = this.#options;
    const { lastIndex } = entries;
    if (lastIndex === 0) return;
    if (entries.termAt(lastIndex) > 0 !== replicated) throw anothers(directory, replicated);
    // Alone, what is in the log has happened; among others, what is known to be committed.
    keys.applyUpTo(entries, replicated ? entries.commit : lastIndex);
    if (!replicated) entries.releaseBelow(lastIndex + 1);
  }
}

function anothers(directory: string, replicated: boolean): DleError {
  const [owner, how] = replicated ? ['a standalone store', 'a'] : ['a member of a cluster', 'no'];
  const message = `${directory} belongs to ${owner}: it cannot be opened as ${how} replicated one`;
  return new DleError('DLE_FORMAT', message);
}
