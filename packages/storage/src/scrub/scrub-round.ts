import { join } from 'node:path';
import { MANIFEST_NAME, type Manifest, readManifest } from '../compaction/manifest.js';
import type { Directories } from '../directory/directories.js';
import { directoryName } from '../directory/directory-format.js';
import { sortedName } from '../directory/sorted-segment.js';
import type { Log } from '../log/log.js';
import { segmentName } from '../log/segment-header.js';
import type { Catalog, SealedFile } from '../store/catalog.js';
import type { Vfs } from '../vfs/vfs.js';
import { checkDirectory } from './check-directory.js';
import { SegmentCheck } from './check-segment.js';
import { checkSorted } from './check-sorted.js';
import { checkUnlisted, type UnlistedSegment } from './check-unlisted.js';
import { damageIn } from './damage-of.js';
import type { DamageList, FoundDamage } from './found-damage.js';
import { PacedFile } from './paced-file.js';
import type { ReadPace } from './read-pace.js';

export interface ScrubRoundComponents {
  readonly vfs: Vfs;
  readonly log: Pick<Log, 'activeSegment' | 'flushed' | 'rolledAt' | 'storeId'>;
  readonly catalog: Catalog;
  readonly directories: Pick<Directories, 'missing'>;
  readonly damages: DamageList;
  /** As it should be on the disk, if there is to be one. */
  readonly installer: { readonly manifest: Manifest | undefined };
}

export interface ScrubProgress {
  readonly files: number;
  readonly bytes: number;
}

type Check = (file: PacedFile, note: (damage: FoundDamage) => void) => Promise<void>;

/**
 * Reads the manifest, all sealed files that there are when it begins, with their key directories,
 * and what has been flushed of the segments without one, and checks every checksum. What goes out
 * of use meanwhile is passed over.
 */
export class ScrubRound {
  readonly #components: ScrubRoundComponents;
  readonly #directory: string;
  readonly #pace: ReadPace;
  readonly #found: FoundDamage[] = [];
  #files = 0;
  #bytes = 0;

  constructor(components: ScrubRoundComponents, directory: string, pace: ReadPace) {
    this.#components = components;
    this.#directory = directory;
    this.#pace = pace;
  }

  get progress(): ScrubProgress {
    return { files: this.#files, bytes: this.#bytes };
  }

  /** Rejects with `DLE_ABORTED` when its pace ends. `onFile`: a file has been read. */
  async run(onFile: (progress: ScrubProgress) => void = () => {}): Promise<FoundDamage[]> {
    const { catalog } = this.#components;
    await this.#checkManifest();
    onFile(this.progress);
    for (const file of catalog.files) {
      if (!this.#isInUse(file)) continue;
      await this.#checkFile(file);
      onFile(this.progress);
    }
    for (const segment of this.#unlisted()) {
      await this.#checkUnlisted(segment);
      onFile(this.progress);
    }
    return this.#found;
  }

  /** The active segment, and those that wait for their key directories. */
  #unlisted(): UnlistedSegment[] {
    const { log, directories } = this.#components;
    const { activeSegment: id, flushed, rolledAt } = log;
    const sealed = directories.missing.filter(({ sorted }) => sorted !== true);
    // Where its first flush failed, or is still to end, nothing of it need be on the device.
    const isFlushed = id !== undefined && rolledAt <= flushed;
    return isFlushed ? [...sealed, { id, lastSequence: flushed }] : sealed;
  }

  /** When it has been listed meanwhile it is one of the others, next time. */
  async #checkUnlisted(segment: UnlistedSegment): Promise<void> {
    const isInUse = (): boolean => this.#unlisted().some(({ id }) => id === segment.id);
    await this.#check(segmentName(segment.id), 'segment', isInUse, (paced, note) => {
      return checkUnlisted(paced, segment, this.#components.log, note);
    });
  }

  async #checkFile(file: SealedFile): Promise<void> {
    const { id, kind, header } = file;
    const isInUse = (): boolean => this.#isInUse(file);
    const name = kind === 'log' ? segmentName(id) : sortedName(id);
    await this.#check(name, kind === 'log' ? 'segment' : 'sorted', isInUse, (paced, note) => {
      if (kind === 'sorted') return checkSorted(paced, header, note);
      return new SegmentCheck(paced, header, note).run();
    });
    await this.#check(directoryName(id), 'directory', isInUse, (paced, note) => {
      return checkDirectory(paced, id, note);
    });
  }

  async #checkManifest(): Promise<void> {
    const { vfs, installer } = this.#components;
    const isInUse = (): boolean => installer.manifest !== undefined;
    if (!isInUse()) return;
    await this.#check(MANIFEST_NAME, 'manifest', isInUse, async () => {
      await readManifest(vfs, this.#directory);
    });
  }

  /** Notes what is found by `check`, if the file is in use still. */
  async #check(
    name: string,
    kind: FoundDamage['kind'],
    isInUse: () => boolean,
    check: Check,
  ): Promise<void> {
    const { vfs, damages } = this.#components;
    const path = join(this.#directory, name);
    const found: FoundDamage[] = [];
    try {
      const file = await PacedFile.open(vfs, path, this.#pace);
      this.#bytes += file.size();
      await check(file, (damage) => found.push(damage));
    } catch (thrown) {
      const damage = damageIn(kind, path, thrown);
      if (damage === undefined) throw thrown;
      found.push(damage);
    }
    this.#files++;
    if (!isInUse()) return;
    if (found.length === 0) damages.forget(path);
    for (const damage of found) damages.note(damage);
    this.#found.push(...found);
  }

  #isInUse({ id }: SealedFile): boolean {
    return this.#components.catalog.files.some((file) => file.id === id);
  }
}
