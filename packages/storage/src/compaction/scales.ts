import type { Directories } from '../directory/directories.js';
import { directoryBytes } from '../directory/directory-format.js';
import { SORTED_HEADER_BYTES } from '../directory/sorted-segment.js';
import type { Log } from '../log/log.js';
import type { Catalog, SealedFile } from '../store/catalog.js';
import type { Keyspace } from '../store/keyspace.js';
import type { Weighed } from './choose-inputs.js';
import type { DiskReserve } from './disk-reserve.js';
import type { Installer } from './installer.js';
import type { Relocation } from './relocation.js';
import type { Retention } from './retention.js';
import { spaceRatio } from './space-target.js';

/** Of a record, beside key and value: its header, and what fills it up to a multiple of 8. */
const RECORD_OVERHEAD_BYTES = 68;

export interface ScalesComponents {
  readonly log: Log;
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly relocation: Relocation;
  readonly installer: Installer;
  readonly keys: Keyspace;
  readonly reserve: DiskReserve;
  readonly retention: Retention;
}

export interface WeighedFile extends Weighed {
  readonly file: SealedFile;
  readonly slot: number;
  /** Where its records end. */
  readonly recordBytes: number;
}

/** Weighs sealed files: what of them counts, and what a rewrite would have to keep. */
export class Scales {
  readonly #components: ScalesComponents;
  /** Files in which something is damaged: they are left as they are. */
  readonly #damaged = new Set<number>();

  constructor(components: ScalesComponents) {
    this.#components = components;
  }

  /** Something in the file at `path` is damaged. */
  noteDamage(path: string): void {
    for (const { id } of this.#components.catalog.files) {
      if (path.includes(id.toString(16).padStart(16, '0'))) this.#damaged.add(id);
    }
  }

  /** Its key directory has been made again: that may have been all. */
  trust(id: number): void {
    this.#damaged.delete(id);
  }

  isDamaged(id: number): boolean {
    return this.#damaged.has(id);
  }

  /**
   * Whether there are files without a directory, or with one that cannot be read, that may hold
   * records older than a delete. Those of the log that were sealed behind all the others hold newer
   * ones.
   */
  hasUnknownKeys(): boolean {
    const { catalog, directories } = this.#components;
    if (this.#damaged.size > 0) return true;
    const known = catalog.files.filter(({ kind }) => kind === 'log').at(-1)?.id ?? 0;
    const gone = this.#components.installer.lastGone;
    const newest = Math.max(known, gone);
    return directories.missing.some(({ id, sorted }) => sorted === true || id < newest);
  }

  /** Those that may be rewritten; not what is damaged. */
  weighAll(): WeighedFile[] {
    const { catalog, retention } = this.#components;
    const files = catalog.files.filter(
      (file) => !this.#damaged.has(file.id) && retention.covers(file),
    );
    const [first, second] = lowestTwo(catalog.files.map(({ header }) => header.firstIndex));
    const keepsDeletes = this.hasUnknownKeys();
    return files.map((file) => {
      // The lowest index of the others.
      const other = file.header.firstIndex === first ? second : first;
      const isOldest = other > file.header.lastIndex;
      return this.#weigh(file, keepsDeletes ? 0 : this.#uselessDeletes(file, isOldest));
    });
  }

  /**
   * Bytes of deletes that hide nothing, as far as is known: all of them where all other files hold
   * newer records; else as many as have gone since of what they may have hidden.
   */
  #uselessDeletes({ id, header }: SealedFile, isOldest: boolean): number {
    const { relocation, installer } = this.#components;
    const deletes = relocation.live.tombstonesOf(relocation.slotOf(id));
    const perDelete = deletes / Math.max(1, header.tombstones);
    return isOldest ? deletes : Math.min(deletes, installer.droppedSince(id) * perDelete);
  }

  #weigh(file: SealedFile, useless: number): WeighedFile {
    const { relocation } = this.#components;
    const { header, id, kind, run } = file;
    const slot = relocation.slotOf(id);
    const live = relocation.live.liveOf(slot);
    const deletes = relocation.live.tombstonesOf(slot);
    return {
      id,
      kind,
      run,
      file,
      slot,
      isSpent: live === 0 && deletes === 0,
      bytes: header.segmentBytes,
      recordBytes: header.end - (header.sorted ? SORTED_HEADER_BYTES : 0),
      keep: live + deletes - useless,
    };
  }

  /** How many times larger than what counts in them the files may become. */
  spaceRatio(): number {
    const { catalog, keys, log, relocation, reserve } = this.#components;
    const { total: live } = relocation.live;
    const sealed = catalog.files.reduce((sum, { header }) => sum + header.segmentBytes, 0);
    const all = catalog.files.reduce((sum, { header }) => sum + directoryBytes(header), 0);
    // Those of what counts: the others go with what they list.
    const directories = sealed === 0 ? 0 : all * Math.min(1, live / sealed);
    const fixed = log.counters.bytes - sealed + (reserve.isHeld ? reserve.bytes : 0);
    return spaceRatio({ live, user: live - keys.size * RECORD_OVERHEAD_BYTES, directories, fixed });
  }
}

/** `Infinity` where there are not as many. */
function lowestTwo(numbers: readonly number[]): [number, number] {
  let [first, second] = [Infinity, Infinity];
  for (const number of numbers) {
    if (number < first) [first, second] = [number, first];
    else if (number < second) second = number;
  }
  return [first, second];
}
