import { join } from 'node:path';
import { isDleError } from '@dle/common';
import { Listeners } from '../log/listeners.js';
import type { SegmentEnd } from '../log/log-options.js';
import { parseSegmentName } from '../log/segment-header.js';
import type { Vfs } from '../vfs/vfs.js';
import { DRAFT_SUFFIX, readListed } from './build-directory.js';
import { type BlockSource, DirectoryFile } from './directory-file.js';
import { type DirectoryHeader, directoryName, parseDirectoryName } from './directory-format.js';
import type { Listed, SegmentContent } from './sealed-segment.js';
import { SegmentBlocks } from './segment-blocks.js';
import { parseSortedName } from './sorted-segment.js';

/** A place at which a file is not what it should be. */
export interface Damage {
  readonly file: string;
  /** In bytes, of the damage or of the smallest checksummed piece that holds it. */
  readonly offset: number;
  readonly message: string;
}

/** Whoever does the long work. */
export interface DirectoryBuilder {
  build(segment: Listed): Promise<DirectoryHeader>;
  pause(): Promise<void>;
  hold(work: Promise<unknown>): Promise<void>;
}

/** What has come of them since the store was opened. */
export interface DirectoryCounters {
  /** Made. */
  built: number;
  /** Loaded at the start, in place of their segments. */
  loaded: number;
  /** Found damaged at the start: the segment was read instead, and it is made again. */
  damaged: number;
  /** Could not be made, such as on a full disk. It is tried again with the next one. */
  failed: number;
}

/**
 * The key directories of one store: loaded at its start, made in the background for each segment
 * that is sealed. They tell nothing that the segments do not: whatever befalls one, nothing is
 * lost.
 */
export class Directories {
  readonly counters: DirectoryCounters = { built: 0, loaded: 0, damaged: 0, failed: 0 };
  /** Those that were found damaged, and where. */
  readonly healed: Damage[] = [];
  /** Told of each one that has been made. */
  readonly onBuilt: Listeners<DirectoryHeader> = new Listeners();
  /** Told of each one that has been made in the place of one that was damaged meanwhile. */
  readonly onRemade: Listeners<number> = new Listeners();
  /** Told why one could not be made. */
  readonly onFailed: Listeners<unknown> = new Listeners();
  readonly #vfs: Vfs;
  readonly #directory: string;
  readonly #builder: DirectoryBuilder;
  /** Found at the start, and whole as far as is known. */
  readonly #headers = new Map<number, DirectoryHeader>();
  /** What was read of segments, at the start, that have none or a damaged one. */
  readonly #contents = new Map<number, SegmentContent>();
  #present: ReadonlySet<number> | undefined;
  readonly #queue: Listed[] = [];
  /** Of those that are to be made, the ones that were there before. */
  readonly #remaking = new Set<number>();
  #failed: Listed[] = [];
  #building: Promise<void> | undefined;
  #underWay: Listed | undefined;
  /** Each for the one that was the last to be asked for. */
  #waiting: { readonly last: Listed; resolve(): void }[] = [];
  #closed = false;

  constructor(
    { vfs, builder }: { readonly vfs: Vfs; readonly builder: DirectoryBuilder },
    directory: string,
  ) {
    this.#vfs = vfs;
    this.#builder = builder;
    this.#directory = directory;
  }

  /** Of those that the start has found. */
  get headers(): Iterable<DirectoryHeader> {
    return this.#headers.values();
  }

  /** Those that have yet to be made. */
  get missing(): readonly Listed[] {
    const underWay = this.#underWay === undefined ? [] : [this.#underWay];
    return [...underWay, ...this.#queue, ...this.#failed];
  }

  /**
   * What the directory of `segment` says of it; `undefined` if there is none whose head is whole.
   * Throws `DLE_FORMAT` for one of another version, `DLE_IO`.
   */
  async checkpointOf(segment: number): Promise<DirectoryHeader | undefined> {
    this.#present ??= await this.#list();
    if (!this.#present.has(segment)) return undefined;
    try {
      const file = await DirectoryFile.open(this.#vfs, this.#directory, segment);
      await file.close();
      this.#headers.set(segment, file.header);
      return file.header;
    } catch (thrown) {
      this.noteDamage(segment, thrown);
      return undefined;
    }
  }

  /** Reads a segment that has no directory, to take its keys from it; `undefined`: damaged. */
  async readSealed(
    segment: Listed,
  ): Promise<{ readonly end: SegmentEnd; readonly flushed: number } | undefined> {
    this.#headers.delete(segment.id);
    try {
      const content = await readListed(this.#vfs, this.#directory, segment, this.#builder.pause);
      this.#contents.set(segment.id, content);
      return { end: content.checkpoint, flushed: content.flushed };
    } catch (thrown) {
      if (isDleError(thrown, 'DLE_CORRUPT')) return undefined;
      throw thrown;
    }
  }

  /**
   * The keys of a sealed file: from its directory or, if that was found damaged, from the file
   * itself. `together`: how many are read side by side. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
   */
  async open(listed: Listed, together: number): Promise<BlockSource> {
    const { id } = listed;
    const read = this.#contents.get(id);
    if (read !== undefined) return new SegmentBlocks(read);
    if (this.#headers.has(id)) {
      try {
        return await DirectoryFile.open(this.#vfs, this.#directory, id, together);
      } catch (thrown) {
        this.noteDamage(id, thrown);
      }
    }
    const { pause } = this.#builder;
    const content = await readListed(this.#vfs, this.#directory, listed, pause);
    this.#contents.set(id, content);
    if (!this.#queue.some((queued) => queued.id === id)) this.#queue.push(listed);
    return new SegmentBlocks(content);
  }

  /** The directory of `id` is none of what it should be: it is made again. */
  distrust(id: number): void {
    this.#headers.delete(id);
  }

  /** Reading the directory of `segment` has failed: throws that again if it is no damage. */
  noteDamage(segment: number, thrown: unknown): void {
    if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
    this.counters.damaged++;
    this.#headers.delete(segment);
    const file = join(this.#directory, directoryName(segment));
    const offset = Number(thrown.details?.offset ?? 0);
    this.healed.push({ file, offset, message: `${thrown.message}; it is made again` });
  }

  /** All keys have been taken in: what was read for that is not needed any more. */
  restored(): void {
    this.counters.loaded += this.#headers.size;
    this.#contents.clear();
  }

  /** Has the directories of `segments` made, and those that could not be made before. */
  make(...segments: readonly Listed[]): void {
    if (this.#closed) return;
    this.#queue.push(...this.#failed, ...segments);
    this.#failed = [];
    if (this.#queue.length > 0) this.#building ??= this.#build();
  }

  /** The directory of a file that is in use is damaged: has it made again. */
  remake(segment: Listed): void {
    if (this.#closed || this.#remaking.has(segment.id)) return;
    this.#remaking.add(segment.id);
    this.make(segment);
  }

  /** Removes what was left behind: drafts, and directories of files that there are not. */
  async tidy(): Promise<void> {
    const names = await this.#vfs.list(this.#directory);
    const owners = new Set(names.map((name) => parseSegmentName(name) ?? parseSortedName(name)));
    const stale = names.filter((name) => {
      const owner = parseDirectoryName(name.replace(DRAFT_SUFFIX, ''));
      if (owner === undefined) return false;
      return name.endsWith(DRAFT_SUFFIX) || !owners.has(owner);
    });
    for (const name of stale) await this.#vfs.unlink(join(this.#directory, name));
    if (stale.length > 0) await this.#vfs.syncDirectory(this.#directory);
  }

  /**
   * Resolves when those are made, or could not be, that have been asked for until now: others may
   * be asked for all the while.
   */
  async idle(): Promise<void> {
    const last = this.#queue.at(-1) ?? this.#underWay;
    if (this.#building === undefined || last === undefined) return;
    const waiting = new Promise<void>((resolve) => this.#waiting.push({ last, resolve }));
    await this.#builder.hold(waiting);
  }

  /** After those that have been asked for are made. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
  }

  /** Leaves out those that have not been begun. */
  abandon(): void {
    this.#queue.length = 0;
    this.#remaking.clear();
  }

  async #list(): Promise<ReadonlySet<number>> {
    const ids = (await this.#vfs.list(this.#directory)).map(parseDirectoryName);
    return new Set(ids.filter((id) => id !== undefined));
  }

  async #build(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#underWay = next;
      let header: DirectoryHeader | undefined;
      try {
        header = await this.#find(next);
        if (header !== undefined) this.counters.loaded++;
        else {
          header = await this.#builder.build(next);
          this.counters.built++;
        }
      } catch (thrown) {
        // Counted, and no more than that: the segment says the same, and takes longer to read.
        this.counters.failed++;
        this.#failed.push(next);
        this.onFailed.tell(thrown);
      }
      this.#underWay = undefined;
      if (header !== undefined && this.#remaking.delete(next.id)) this.onRemade.tell(next.id);
      else if (header !== undefined) this.onBuilt.tell(header);
      this.#answer((last) => last === next);
    }
    this.#building = undefined;
    this.#answer(() => true);
  }

  /** The directory that was made of it before the store was opened. */
  async #find({ id, lastSequence, mayBeThere }: Listed): Promise<DirectoryHeader | undefined> {
    if (mayBeThere !== true) return undefined;
    const header = await this.checkpointOf(id);
    if (header?.lastSequence !== lastSequence || header.sorted) return undefined;
    try {
      const file = await DirectoryFile.open(this.#vfs, this.#directory, id);
      try {
        while ((await file.next()) !== undefined) await this.#builder.pause();
        await file.verifyFences();
      } finally {
        await file.close();
      }
      return header;
    } catch (thrown) {
      this.noteDamage(id, thrown);
      return undefined;
    }
  }

  #answer(isDone: (last: Listed) => boolean): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ last }) => !isDone(last));
    for (const { last, resolve } of waiting) if (isDone(last)) resolve();
  }
}
