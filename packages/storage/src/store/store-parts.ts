import { type Clock, DleError, type Random } from '@dle/common';
import { Background } from '../background/background.js';
import { Backups } from '../care/backups.js';
import { refuseUnfinished } from '../care/unfinished.js';
import { closeAll } from '../close-all.js';
import { openBase } from '../compaction/base.js';
import { Compactor, DEFAULT_COMPACTION_BYTES_PER_SECOND } from '../compaction/compactor.js';
import { DiskReserve, type ReserveSizes } from '../compaction/disk-reserve.js';
import { Installer } from '../compaction/installer.js';
import type { Manifest } from '../compaction/manifest.js';
import { Reclaimer } from '../compaction/reclaimer.js';
import { Relocation } from '../compaction/relocation.js';
import { Directories } from '../directory/directories.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import type { Listed } from '../directory/sealed-segment.js';
import { DEFAULT_SEGMENT_BYTES } from '../limits.js';
import type { EntryBatch } from '../log/entry-batch.js';
import { Log } from '../log/log.js';
import type { LogEntries } from '../log/log-entries.js';
import type { LogObservers, SegmentEnd } from '../log/log-options.js';
import { SET_ASIDE_STEP_BYTES } from '../log/segment.js';
import { SegmentFiles } from '../log/segment-files.js';
import { OrderedReads } from '../ordered/ordered-reads.js';
import type { Unlisted } from '../ordered/unlisted-files.js';
import type { Vfs } from '../vfs/vfs.js';
import { Catalog } from './catalog.js';
import { GroupWriter } from './group-writer.js';
import { createKeyState, type KeyState } from './key-state.js';
import type { Keyspace } from './keyspace.js';
import { restoreKeys } from './restore-keys.js';
import type { LogStoreOptions } from './types.js';

/** Where a store is. */
interface Place {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly directory: string;
}

/** What only a standalone store has: consensus orders the writes of the others. */
export interface StandaloneParts {
  readonly writer: GroupWriter;
  readonly background: Background;
  readonly directories: Directories;
  readonly compactor: Compactor;
  readonly reclaimer: Reclaimer;
  readonly ordered: OrderedReads;
  readonly backups: Backups;
}

/** What a store is made of. */
export interface StoreParts {
  readonly place: Place;
  readonly log: Log;
  readonly keys: KeyState;
  readonly files: SegmentFiles;
  readonly catalog: Catalog;
  /** `undefined` in replicated mode. */
  readonly standalone: StandaloneParts | undefined;
}

export interface PartsComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens a store whose log consensus writes. */
export async function openReplicated(
  components: PartsComponents,
  directory: string,
  options: LogStoreOptions,
): Promise<StoreParts> {
  const { vfs, clock, random } = components;
  const { segmentSize = DEFAULT_SEGMENT_BYTES, idleFlushMs, tailCacheBytes } = options;
  const files = new SegmentFiles(vfs, directory);
  const keys = createKeyState({ files, random }, segmentSize);
  const logOptions = { directory, segmentSize, idleFlushMs, tailCacheBytes };
  try {
    const log = await Log.open(components, logOptions, {
      locked: async () => {
        refuseUnfinished(directory, await vfs.list(directory));
        return { gaps: [], nextId: 1 };
      },
      recovered: (entries) => recover(directory, keys.space, entries, true),
      readsEntries: true,
    });
    await keys.space.recovered();
    const catalog = new Catalog({ lastId: () => log.space.lastId, free: () => undefined });
    return { place: { vfs, clock, directory }, log, keys, files, catalog, standalone: undefined };
  } catch (thrown) {
    await closeAll(
      async () => keys.reader.close(),
      () => files.close(),
    ).catch(() => undefined);
    throw thrown;
  }
}

/** Opens a store that is written to here. */
export async function openStandalone(
  components: PartsComponents,
  directory: string,
  options: LogStoreOptions,
): Promise<StoreParts> {
  const { vfs, clock, random } = components;
  const { segmentSize = DEFAULT_SEGMENT_BYTES, idleFlushMs, tailCacheBytes } = options;
  const files = new SegmentFiles(vfs, directory);
  const keys = createKeyState({ files, random }, segmentSize);
  const background = new Background({ vfs, clock }, directory);
  const directories = new Directories({ vfs, builder: background }, directory);
  const start = new Start({ ...components, files, directories, keys: keys.space }, directory);
  let writer: GroupWriter | undefined;
  let opened: Log | undefined;
  try {
    const log = await Log.open(
      components,
      { directory, segmentSize, idleFlushMs, tailCacheBytes },
      { ...start.observers, readsEntries: false, gather: () => writer?.append() },
    );
    opened = log;
    await keys.space.recovered();
    await directories.tidy();
    const reserve = new DiskReserve(
      { vfs, pause: background.pause },
      directory,
      reserveFor(segmentSize),
    );
    await reserve.open();
    const { sorted = [] } = start.manifest ?? {};
    log.space.adjust(
      sorted.length,
      sorted.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    const { slots, live, native, index } = keys;
    const maps = native?.maps;
    const reclaimer = new Reclaimer({ vfs, files, slots, live, maps, log }, directory);
    const catalog = new Catalog({
      lastId: () => log.space.lastId,
      free: (file) => {
        reclaimer.free(file);
        ordered.forget(file);
      },
    });
    directories.onBuilt.add(start.listed(catalog));
    const { segments, reader } = keys;
    const ordered = new OrderedReads(
      { vfs, clock, files, slots, catalog, segments, native, reader, applied: keys.space },
      { directory, unlisted: start.unlisted },
    );
    directories.onBuilt.add(({ segment }) => ordered.listed(segment));
    const relocation = new Relocation({ clock, log, catalog, index, slots, files, live });
    const installer = new Installer(
      { vfs, log, catalog, files, relocation },
      directory,
      start.manifest,
    );
    const compactor = new Compactor(
      {
        clock,
        log,
        catalog,
        directories,
        background,
        relocation,
        installer,
        keys: keys.space,
        reserve,
      },
      { directory, segmentSize, ...compactionOptions(options) },
    );
    const applied = keys.space;
    const backups = new Backups({ vfs, log, catalog, installer, applied }, directory);
    writer = new GroupWriter({ log, room: compactor }, (batch) => apply(keys, log, batch));
    directories.make(...log.unvouched);
    log.onSealed((segment) => directories.make(segment));
    log.onFailed(() => directories.abandon());
    const standalone = { writer, background, directories, compactor, reclaimer, ordered, backups };
    return { place: { vfs, clock, directory }, log, keys, files, catalog, standalone };
  } catch (thrown) {
    // What has gone wrong first is what counts.
    await closeAll(
      () => directories.close(),
      () => background.close(),
      () => opened?.close(),
      async () => keys.reader.close(),
      () => files.close(),
    ).catch(() => undefined);
    throw thrown;
  }
}

/** Room for what one segment holds and its key directory, and for some deletes. */
function reserveFor(segmentSize: number): ReserveSizes {
  // Space for deletes is taken in steps that may be as large as that.
  const deletes = 2 * Math.min(segmentSize, SET_ASIDE_STEP_BYTES);
  return { compaction: Math.ceil(segmentSize * 1.25), deletes };
}

function compactionOptions({ compaction = {} }: LogStoreOptions): {
  automatic: boolean;
  bytesPerSecond: number;
} {
  const { automatic = true, bytesPerSecond = DEFAULT_COMPACTION_BYTES_PER_SECOND } = compaction;
  if (Number.isSafeInteger(bytesPerSecond) && bytesPerSecond >= 0) {
    return { automatic, bytesPerSecond };
  }
  const message = `compaction.bytesPerSecond is a whole number from 0, not ${bytesPerSecond}`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
}

interface StartComponents {
  readonly vfs: Vfs;
  readonly files: SegmentFiles;
  readonly directories: Directories;
  readonly keys: Keyspace;
}

/** How a standalone store learns, at its start, what there is. */
class Start {
  manifest: Manifest | undefined;
  readonly #components: StartComponents;
  readonly #directory: string;
  #hasRestored = false;
  /** The sealed files whose keys were taken in. */
  #restored: readonly Unlisted[] = [];

  constructor(components: StartComponents, directory: string) {
    this.#components = components;
    this.#directory = directory;
  }

  get observers(): LogObservers {
    const { directories, keys } = this.#components;
    return {
      locked: () => this.#openBase(),
      endOf: (segment) => directories.checkpointOf(segment),
      readSealed: (segment) => directories.readSealed(segment),
      restore: (ends) => this.#restore(ends),
      recovered: (entries) => recover(this.#directory, keys, entries, false),
    };
  }

  /** Of those, the ones that have no whole key directory. */
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

  async #openBase() {
    const { vfs, files } = this.#components;
    this.manifest = await openBase(vfs, this.#directory, files);
    const { gaps = [], nextId = 1 } = this.manifest ?? {};
    return { gaps, nextId };
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
    const segments = log.map(({ segment, lastSequence }) => [{ id: segment, lastSequence }]);
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
}

/** Takes in what has been written. What can be known only in part is not shown at all. */
function apply(keys: KeyState, log: Log, batch: EntryBatch): void {
  try {
    keys.space.apply(log.entries, batch);
    log.releaseEntriesBelow(keys.space.appliedIndex + 1);
  } catch (thrown) {
    keys.reader.fail(DleError.from(thrown));
    throw thrown;
  }
}

/** Takes in what recovery has just read. */
function recover(
  directory: string,
  keys: Keyspace,
  entries: LogEntries,
  replicated: boolean,
): void {
  const { lastIndex } = entries;
  if (lastIndex === 0) return;
  if (entries.termAt(lastIndex) > 0 !== replicated) {
    const [owner, how] = replicated ? ['a standalone store', 'a'] : ['a member of a cluster', 'no'];
    const message = `${directory} belongs to ${owner}: it cannot be opened as ${how} replicated one`;
    throw new DleError('DLE_FORMAT', message);
  }
  // Alone, what is in the log has happened; among others, what is known to be committed.
  keys.applyUpTo(entries, replicated ? entries.commit : lastIndex);
  if (!replicated) entries.releaseBelow(lastIndex + 1);
}
