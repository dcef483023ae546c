import { join } from 'node:path';
import { type Clock, DleError, EMPTY_BYTES, type Random } from '@dle/common';
import { Background } from '../background/background.js';
import { Backups } from '../care/backups.js';
import { closeAll } from '../close-all.js';
import { Compactor } from '../compaction/compactor.js';
import { DiskReserve, type ReserveSizes } from '../compaction/disk-reserve.js';
import { Installer } from '../compaction/installer.js';
import { LogFloor } from '../compaction/log-floor.js';
import { Reclaimer } from '../compaction/reclaimer.js';
import { Relocation } from '../compaction/relocation.js';
import { EVERYTHING } from '../compaction/retention.js';
import { Directories } from '../directory/directories.js';
import { directoryName } from '../directory/directory-format.js';
import { DEFAULT_SEGMENT_BYTES } from '../limits.js';
import type { EntryBatch } from '../log/entry-batch.js';
import { Log } from '../log/log.js';
import { stepBytes } from '../log/segment.js';
import { SegmentFiles } from '../log/segment-files.js';
import { OrderedReads } from '../ordered/ordered-reads.js';
import { damageOf } from '../scrub/damage-of.js';
import { DamageList } from '../scrub/found-damage.js';
import { heal } from '../scrub/healing.js';
import { Scrubber } from '../scrub/scrubber.js';
import type { Vfs } from '../vfs/vfs.js';
import { Catalog, type SealedFile } from './catalog.js';
import { GroupWriter } from './group-writer.js';
import { createKeyState, type KeyState } from './key-state.js';
import { SealedQueue } from './sealed-queue.js';
import { segmentBytesFor } from './segment-bytes.js';
import { Start } from './start.js';
import type { LogStoreOptions } from './types.js';

const NO_FLOOR = { index: 0, term: 0, state: EMPTY_BYTES };

/** Where a store is. */
interface Place {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly directory: string;
}

/** What only a standalone store has: consensus orders the writes of the others. */
export interface StandaloneParts {
  readonly writer: GroupWriter;
  readonly backups: Backups;
}

/** What only a store has whose log consensus writes. */
export interface ReplicatedParts {
  readonly sealed: SealedQueue;
  readonly floor: LogFloor;
}

/** What a store is made of. */
export interface StoreParts {
  readonly place: Place;
  readonly log: Log;
  readonly keys: KeyState;
  readonly files: SegmentFiles;
  readonly catalog: Catalog;
  readonly background: Background;
  readonly directories: Directories;
  readonly compactor: Compactor;
  readonly installer: Installer;
  readonly reclaimer: Reclaimer;
  readonly ordered: OrderedReads;
  readonly damages: DamageList;
  readonly scrubber: Scrubber;
  /** One of the two is there. */
  readonly standalone: StandaloneParts | undefined;
  readonly replicated: ReplicatedParts | undefined;
}

export interface PartsComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens a store that is written to here or, `replicated`, one whose log consensus writes. */
export async function openParts(
  components: PartsComponents,
  directory: string,
  options: LogStoreOptions,
): Promise<StoreParts> {
  const { vfs, clock, random } = components;
  const { segmentSize = DEFAULT_SEGMENT_BYTES, idleFlushMs, tailCacheBytes } = options;
  const { replicated: isReplicated = false, reachesSegment } = options;
  const files = new SegmentFiles(vfs, directory);
  const keys = createKeyState({ files, random }, segmentSize);
  const segmentBytes = (): number => {
    const segments = opened?.counters.bytes ?? 0;
    return segmentBytesFor({ live: keys.live.total, segments }, segmentSize);
  };
  const background = new Background({ vfs, clock }, directory);
  const directories = new Directories({ vfs, builder: background }, directory);
  const start = new Start(
    { vfs, files, directories, keys: keys.space },
    { directory, replicated: isReplicated },
  );
  let standalone: StandaloneParts | undefined;
  let opened: Log | undefined;
  try {
    const log = await Log.open(
      components,
      {
        ...{ directory, segmentSize, nextSegmentBytes: segmentBytes, idleFlushMs, tailCacheBytes },
        reachesSegment,
      },
      { ...start.observers, gather: () => standalone?.writer.append() },
    );
    opened = log;
    await keys.space.recovered();
    await directories.tidy();
    const { sorted = [] } = start.manifest ?? {};
    log.space.adjust(
      sorted.length,
      sorted.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    const { slots, live, native, index, segments, reader } = keys;
    const applied = keys.space;
    const maps = native?.maps;
    const reclaimer = new Reclaimer({ vfs, files, slots, live, maps, log }, directory);
    const damages = new DamageList();
    const catalog = new Catalog({
      lastId: () => log.space.lastId,
      free: (file) => {
        damages.forget(files.pathOf(file.id));
        damages.forget(join(directory, directoryName(file.id)));
        reclaimer.free(file);
        ordered.forget(file);
      },
    });
    const onDamage = (thrown: unknown): void => {
      const damage = damageOf(thrown, catalog);
      if (damage !== undefined) damages.note(damage);
    };
    directories.onFailed.add(onDamage);
    directories.onBuilt.add(start.listed(catalog));
    // As what is there may be rewritten, and what will be.
    const largest = (): number => Math.min(largestOf(catalog.files), segmentSize);
    const reserve = new DiskReserve({ vfs, pause: background.pause }, directory, () =>
      reserveFor(Math.max(segmentBytes(), largest())),
    );
    await reserve.open();
    const { dead } = log.entries;
    const ordered = new OrderedReads(
      { vfs, clock, files, slots, catalog, segments, native, reader, dead, applied, damages },
      { directory, unlisted: start.unlisted },
    );
    directories.onBuilt.add(({ segment }) => ordered.listed(segment));
    directories.onRemade.add((id) => ordered.relisted(id));
    const floor = isReplicated
      ? new LogFloor({ log, applied }, start.manifest?.floor ?? NO_FLOOR)
      : undefined;
    const relocation = new Relocation({ clock, log, catalog, index, slots, files, live });
    const installer = new Installer(
      { vfs, log, catalog, files, relocation, floor },
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
        retention: floor ?? EVERYTHING,
        onDamage,
      },
      { directory, segmentBytes, ...backgroundOptions('compaction', options) },
    );
    heal({ damages, catalog, directories, installer, log }, directory);
    const scrubber = new Scrubber(
      { vfs, clock, log, catalog, directories, damages, installer },
      { directory, ...backgroundOptions('scrub', options) },
    );
    let replicated: ReplicatedParts | undefined;
    if (floor === undefined) {
      const backups = new Backups({ vfs, log, catalog, installer, applied }, directory);
      const writer = new GroupWriter({ log, room: compactor }, (batch) => apply(keys, log, batch));
      standalone = { writer, backups };
      directories.make(...log.unvouched);
      log.onSealed((segment) => directories.make(segment));
    } else {
      directories.make();
      replicated = { floor, sealed: new SealedQueue({ log, directories, applied }) };
    }
    log.onFailed(() => directories.abandon());
    const place = { vfs, clock, directory };
    const care = { damages, scrubber, reclaimer };
    const common = { background, directories, compactor, installer, ordered, ...care };
    return { place, log, keys, files, catalog, ...common, standalone, replicated };
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

function largestOf(files: readonly SealedFile[]): number {
  return files.reduce((most, { header }) => Math.max(most, header.segmentBytes), 0);
}

/** Room for what one segment holds and its key directory, and for some deletes. */
function reserveFor(segmentBytes: number): ReserveSizes {
  // Space for deletes is taken in steps that may be as large as that.
  const deletes = 2 * stepBytes(segmentBytes);
  return { compaction: Math.ceil(segmentBytes * 1.25), deletes };
}

/** Of what goes on in the background by itself; `name`: of the option. */
function backgroundOptions(
  name: 'compaction' | 'scrub',
  { [name]: { automatic = true, bytesPerSecond } = {} }: LogStoreOptions,
): { automatic: boolean; bytesPerSecond: number | undefined } {
  if (
    bytesPerSecond === undefined ||
    (Number.isSafeInteger(bytesPerSecond) && bytesPerSecond >= 0)
  ) {
    return { automatic, bytesPerSecond };
  }
  const message = `${name}.bytesPerSecond is a whole number from 0, not ${bytesPerSecond}`;
  throw new DleError('DLE_INVALID_ARGUMENT', message);
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
