import { join } from 'node:path';
import { type Clock, DleError, isDleError } from '@dle/common';
import type { SegmentEnd } from '../log/log-options.js';
import type { SealedSegment } from '../log/log-writer.js';
import { parseSegmentName } from '../log/segment-header.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import type { Vfs } from '../vfs/vfs.js';
import { buildDirectory, DRAFT_SUFFIX } from './build-directory.js';
import { type BlockSource, DirectoryFile } from './directory-file.js';
import { type Checkpoint, directoryName, parseDirectoryName } from './directory-format.js';
import { SegmentBlocks } from './segment-blocks.js';
import { WorkerBuilder } from './worker-builder.js';

/** A place at which a file is not what it should be. */
export interface Damage {
  readonly file: string;
  /** In bytes, of the damage or of the smallest checksummed piece that holds it. */
  readonly offset: number;
  readonly message: string;
}

export interface DirectoriesComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
}

/** What has come of them since the store was opened. */
export interface DirectoryCounters {
  /** Made. */
  built: number;
  /** Loaded at the start, in place of their segments. */
  loaded: number;
  /** Found damaged at the start: the segment was read instead, and it is made again. */
  damaged: number;
  /** Could not be made, such as on a full disk. It is tried again at the next start. */
  failed: number;
}

/**
 * The key directories of one store: loaded at its start, made in the background for each segment
 * that is sealed. They speed up the start, and tell nothing that the segments do not: whatever
 * befalls one, nothing is lost.
 */
export class Directories {
  readonly counters: DirectoryCounters = { built: 0, loaded: 0, damaged: 0, failed: 0 };
  readonly #damaged = new Set<number>();
  /** Those that were found damaged, and where. */
  readonly healed: Damage[] = [];
  readonly #vfs: Vfs;
  readonly #clock: Clock;
  readonly #directory: string;
  /** None where files are no files of the system, or threads cannot be had. */
  #worker: WorkerBuilder | undefined;
  #present: ReadonlySet<number> | undefined;
  readonly #queue: SealedSegment[] = [];
  #building: Promise<void> | undefined;
  #closed = false;

  constructor({ vfs, clock }: DirectoriesComponents, directory: string) {
    this.#vfs = vfs;
    this.#clock = clock;
    this.#directory = directory;
    const isBuilt = import.meta.url.endsWith('.js');
    if (isBuilt && vfs instanceof NodeVfs) this.#worker = new WorkerBuilder();
  }

  /**
   * What the directory of `segment` says of it; `undefined` if there is none whose head is whole.
   * Throws `DLE_FORMAT` for one of another version, `DLE_IO`.
   */
  async checkpointOf(segment: number): Promise<Checkpoint | undefined> {
    this.#present ??= await this.#list();
    if (!this.#present.has(segment)) return undefined;
    try {
      const file = await DirectoryFile.open(this.#vfs, this.#directory, segment);
      await file.close();
      return file.header;
    } catch (thrown) {
      this.noteDamage(segment, thrown);
      return undefined;
    }
  }

  /**
   * The keys of a sealed segment: from its directory or, if that was found damaged, from the
   * segment itself. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
   */
  async open({ segment, lastSequence }: SegmentEnd): Promise<BlockSource> {
    if (!this.#damaged.has(segment)) return DirectoryFile.open(this.#vfs, this.#directory, segment);
    const sealed = { id: segment, lastSequence };
    if (!this.#queue.some(({ id }) => id === segment)) this.#queue.push(sealed);
    return SegmentBlocks.read(this.#vfs, this.#directory, sealed, this.#pause);
  }

  /** Whether the directory of `segment` was found damaged. */
  isDamaged(segment: number): boolean {
    return this.#damaged.has(segment);
  }

  /** Reading the directory of `segment` has failed: throws that again if it is no damage. */
  noteDamage(segment: number, thrown: unknown): void {
    if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
    this.counters.damaged++;
    this.#damaged.add(segment);
    const file = join(this.#directory, directoryName(segment));
    const offset = Number(thrown.details?.offset ?? 0);
    this.healed.push({ file, offset, message: `${thrown.message}; it is made again` });
  }

  /** Has the directories of `segments` made, and those that were found damaged. */
  make(...segments: readonly SealedSegment[]): void {
    if (this.#closed) return;
    this.#queue.push(...segments);
    if (this.#queue.length > 0) this.#building ??= this.#build();
  }

  /** Removes what was left behind: drafts, and directories of segments that there are not. */
  async tidy(): Promise<void> {
    const names = await this.#vfs.list(this.#directory);
    const segments = new Set(names.map(parseSegmentName));
    const stale = names.filter((name) => {
      const owner = parseDirectoryName(name.replace(DRAFT_SUFFIX, ''));
      if (owner === undefined) return false;
      return name.endsWith(DRAFT_SUFFIX) || !segments.has(owner);
    });
    for (const name of stale) await this.#vfs.unlink(join(this.#directory, name));
    if (stale.length > 0) await this.#vfs.syncDirectory(this.#directory);
  }

  /** Resolves when those that have been asked for are made. */
  async idle(): Promise<void> {
    await this.#building;
  }

  /** After those that have been asked for are made. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#building;
    await this.#worker?.close();
  }

  /** Leaves out those that have not been begun. */
  abandon(): void {
    this.#queue.length = 0;
  }

  async #list(): Promise<ReadonlySet<number>> {
    const ids = (await this.#vfs.list(this.#directory)).map(parseDirectoryName);
    return new Set(ids.filter((id) => id !== undefined));
  }

  async #build(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        await this.#buildOne(next);
        this.counters.built++;
      } catch {
        // Counted, and no more than that: the segment says the same, and takes longer to read.
        this.counters.failed++;
      }
    }
    this.#building = undefined;
  }

  async #buildOne(segment: SealedSegment): Promise<void> {
    if (this.#worker !== undefined) {
      try {
        return await this.#worker.build(this.#directory, segment);
      } catch (thrown) {
        if (!(thrown instanceof DleError) || thrown.code !== 'DLE_INTERNAL') throw thrown;
        // There is no thread to be had here.
        this.#worker = undefined;
      }
    }
    await buildDirectory(this.#vfs, this.#directory, segment, this.#pause);
  }

  readonly #pause = (): Promise<void> => new Promise((resolve) => this.#clock.defer(resolve));
}
