import { join } from 'node:path';
import { type Clock, DleError, isDleError } from '@dle/common';
import type { SealedSegment } from '../log/log-writer.js';
import { parseSegmentName } from '../log/segment-header.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import type { Vfs } from '../vfs/vfs.js';
import { buildDirectory, DRAFT_SUFFIX } from './build-directory.js';
import {
  type Block,
  type Checkpoint,
  directoryName,
  parseDirectoryName,
} from './directory-format.js';
import { loadDirectory } from './load-directory.js';
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
   * Shows all blocks of the directory of `segment`, and returns its checkpoint; `undefined` if there
   * is none that is whole. Throws `DLE_FORMAT` for one of another version, `DLE_IO`.
   */
  async load(segment: number, visit: (block: Block) => void): Promise<Checkpoint | undefined> {
    this.#present ??= await this.#list();
    if (!this.#present.has(segment)) return undefined;
    try {
      const checkpoint = await loadDirectory(this.#vfs, this.#directory, segment, visit);
      this.counters.loaded++;
      return checkpoint;
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
      this.counters.damaged++;
      const file = join(this.#directory, directoryName(segment));
      const offset = Number(thrown.details?.offset ?? 0);
      this.healed.push({ file, offset, message: `${thrown.message}; it is made again` });
      return undefined;
    }
  }

  /** Has the directory of `segment` made. */
  make(segment: SealedSegment): void {
    if (this.#closed) return;
    this.#queue.push(segment);
    this.#building ??= this.#build();
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
    const pause = (): Promise<void> => new Promise((resolve) => this.#clock.defer(resolve));
    await buildDirectory(this.#vfs, this.#directory, segment, pause);
  }
}
