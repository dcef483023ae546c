import { compareBytes, DleError, equalBytes } from '@dle/common';
import { Unfinished } from '../../care/unfinished.js';
import type { Floor } from '../../compaction/log-floor.js';
import { SortedWriter } from '../../compaction/sorted-writer.js';
import { directoryName } from '../../directory/directory-format.js';
import { sortedName } from '../../directory/sorted-segment.js';
import { corrupt } from '../../errors.js';
import { DEFAULT_SEGMENT_BYTES, MAX_FLOOR_STATE_BYTES, MAX_SEGMENTS } from '../../limits.js';
import { encodeLocalState, LocalState } from '../../log/local-state.js';
import { RecordView } from '../../log/record.js';
import { RecordKind } from '../../log/record-kinds.js';
import type { Vfs, VfsLock } from '../../vfs/vfs.js';
import type { BaseChunk } from './base-export.js';
import { BASE_RUN, FIRST_SORTED_SEGMENT, writeBaseFiles } from './base-files.js';
import {
  awaitsAdoption,
  beginAdoption,
  clearStaging,
  progressOf,
  readProgress,
  type StagingProgress,
  stagingOf,
  writeProgress,
} from './staging.js';

/** Records of a base are counted from the first index there can be. */
const FIRST_INDEX = 1;
const NOTHING: ReadonlySet<string> = new Set();
const CHUNK_ORIGIN = { name: 'a chunk of a base', offset: 0 };

export interface ImportOptions {
  /** Of the store in the directory, whose place the base will take. */
  readonly storeId: string;
  /** What the base reflects, as its export says. */
  readonly floor: Floor;
  /** Bytes of a segment: after a crash it goes on behind the last whole one. Default 64 MiB. */
  readonly segmentSize?: number;
}

/**
 * Takes the chunks of a base, in their order, into a directory within that of a store, which may be
 * open and written to meanwhile. What is whole of it survives a crash, and one that is begun again
 * for the same floor goes on behind that.
 */
export class BaseImporter {
  readonly #vfs: Vfs;
  readonly #directory: string;
  readonly #options: Required<ImportOptions>;
  readonly #lock: VfsLock;
  /** As it is on the device. */
  #progress: StagingProgress;
  #writer: SortedWriter | undefined;
  #after: Uint8Array | undefined;
  #closed = false;
  /** One call after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** As `LogStore.beginImport`. */
  static async begin(vfs: Vfs, directory: string, options: ImportOptions): Promise<BaseImporter> {
    const { storeId, floor, segmentSize = DEFAULT_SEGMENT_BYTES } = options;
    checkFloor(floor);
    if (!/^[0-9a-f]{32}$/.test(storeId)) throw refused(`${storeId} is no id of a store`);
    await vfs.makeDirectory(directory);
    const staging = stagingOf(directory);
    await vfs.makeDirectory(staging);
    const lock = await vfs.lock(staging);
    try {
      if (await awaitsAdoption(vfs, directory)) {
        throw refused(`a base in ${directory} is to be adopted first: open the store`);
      }
      const fresh = progressOf(storeId, floor);
      const read = await readProgress(vfs, staging, fresh);
      const isThere = read !== undefined && (await isWhole(vfs, staging, read));
      const found = isThere ? read : undefined;
      const progress = found ?? fresh;
      await clearStaging(vfs, staging, found === undefined ? NOTHING : wholeFiles(found));
      if (found === undefined) await writeProgress(vfs, staging, progress);
      const all = { storeId, floor, segmentSize };
      return new BaseImporter(vfs, directory, all, { lock, progress });
    } catch (thrown) {
      await lock.release();
      throw thrown;
    }
  }

  private constructor(
    vfs: Vfs,
    directory: string,
    options: Required<ImportOptions>,
    { lock, progress }: { readonly lock: VfsLock; readonly progress: StagingProgress },
  ) {
    this.#vfs = vfs;
    this.#directory = directory;
    this.#options = options;
    this.#lock = lock;
    this.#progress = progress;
    this.#after = afterOf(progress);
  }

  /** The key behind which the next chunk has to begin; `undefined`: with the first. */
  get after(): Uint8Array | undefined {
    return this.#after;
  }

  /** Whether all has come: it can be finished. */
  get isComplete(): boolean {
    return this.#progress.complete;
  }

  /**
   * Takes the next chunk, of which every record is verified before any is taken. Rejects with
   * `DLE_INVALID_ARGUMENT` (it does not begin behind `after`, as one that comes twice or too early),
   * `DLE_CORRUPT`, `DLE_FORMAT`; then nothing has changed. With `DLE_DISK_FULL` or `DLE_IO`, and
   * after a crash, it goes on from `after` as it is then.
   */
  write(chunk: BaseChunk): Promise<void> {
    return this.#inTurn(() => this.#write(chunk));
  }

  /**
   * Makes a store of it, with these local states, which the next `LogStore.open` puts in the place
   * of the one in the directory. That must be closed, so that its local states cannot change any
   * more: they are those that `log.localStates()` has given then. Ends the import. Rejects with
   * `DLE_LOCKED`, `DLE_INVALID_ARGUMENT` (not complete, too much local state), `DLE_DISK_FULL`,
   * `DLE_IO`: then the store is as it was, and `finish` can be repeated.
   */
  finish(localStates: ReadonlyMap<string, Uint8Array>): Promise<void> {
    return this.#inTurn(() => this.#finish(localStates));
  }

  /** Ends it for now: one that is begun for the same floor goes on. Idempotent. */
  close(): Promise<void> {
    return this.#end(async () => undefined);
  }

  /** Ends it for good, and gives its space back. */
  abandon(): Promise<void> {
    return this.#end(() => clearStaging(this.#vfs, this.#staging, NOTHING));
  }

  get #staging(): string {
    return stagingOf(this.#directory);
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(async () => {
      if (this.#closed) throw new DleError('DLE_CLOSED', 'the import has ended');
      await work();
    });
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  #end(last: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(async () => {
      if (this.#closed) return;
      this.#closed = true;
      try {
        await this.#giveUpWriter();
        await last();
      } finally {
        await this.#lock.release();
      }
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #write({ after, records, next }: BaseChunk): Promise<void> {
    this.#checkPlace(after);
    const last = this.#verify(records);
    const isEnd = next === undefined;
    if (!isEnd && (last === undefined || !equalBytes(next, last))) {
      throw refused('a chunk that does not end where it says');
    }
    try {
      await this.#add(records);
      if (last !== undefined) this.#after = last;
      if (isEnd) await this.#endSegment(true);
    } catch (thrown) {
      await this.#giveUpWriter();
      throw thrown;
    }
  }

  #checkPlace(after: Uint8Array | undefined): void {
    const expected = this.#after;
    const isNext =
      after === undefined || expected === undefined
        ? after === expected
        : equalBytes(after, expected);
    if (isNext && !this.isComplete) return;
    const place = this.isComplete ? 'the base is complete' : `it is to begin ${shown(expected)}`;
    throw refused(`a chunk that begins ${shown(after)}, and ${place}`);
  }

  /** Returns the last key. */
  #verify(records: Uint8Array): Uint8Array | undefined {
    const { floor } = this.#options;
    const record = new RecordView(records, CHUNK_ORIGIN);
    let last = this.#after;
    let count = 0;
    while (record.end < records.length) {
      record.read(record.end);
      const isPut = record.kind === RecordKind.put && record.index >= FIRST_INDEX;
      if (!isPut || record.index > floor.index || record.term > floor.term) {
        throw corrupt(CHUNK_ORIGIN, record.offset, 'a record that does not belong into the base');
      }
      if (last !== undefined && compareBytes(last, record.key) >= 0) {
        throw refused('a chunk whose keys do not rise');
      }
      last = record.key;
      count++;
    }
    return count === 0 ? undefined : new Uint8Array(last!);
  }

  async #add(records: Uint8Array): Promise<void> {
    const record = new RecordView(records, CHUNK_ORIGIN);
    while (record.end < records.length) {
      record.moveTo(record.end);
      const bytes = record.end - record.offset;
      const present = this.#writer;
      if (present !== undefined && present.size + bytes > this.#options.segmentSize) {
        await this.#endSegment(false);
      }
      this.#writer ??= this.#beginSegment();
      const { key, offset, index, valueLength, kind } = record;
      this.#writer.add(records.subarray(offset, record.end), {
        bytes: key,
        keyStart: 0,
        keyEnd: key.length,
        recordOffset: this.#writer.size,
        index,
        valueLength,
        kind,
      });
      this.#after = key;
    }
    await this.#writer?.flushSome();
  }

  #beginSegment(): SortedWriter {
    const id = FIRST_SORTED_SEGMENT + this.#progress.segments;
    if (id >= MAX_SEGMENTS) throw refused('a base of too many segments: take larger ones');
    return new SortedWriter(this.#vfs, {
      directory: this.#staging,
      storeId: this.#options.storeId,
      id,
      run: BASE_RUN,
      firstIndex: FIRST_INDEX,
    });
  }

  /** What has come until now is durable then. */
  async #endSegment(complete: boolean): Promise<void> {
    const after = this.#after;
    const ended = this.#writer === undefined ? 0 : 1;
    await this.#writer?.finish();
    // Whichever of the markers is on the device, what it names is whole.
    this.#writer = undefined;
    const progress = {
      ...this.#progress,
      segments: this.#progress.segments + ended,
      ...(after !== undefined && { after: Buffer.from(after).toString('base64') }),
      complete,
    };
    this.#progress = progress;
    this.#after = afterOf(progress);
    await writeProgress(this.#vfs, this.#staging, progress);
  }

  /** What is not durable yet has to come again. */
  async #giveUpWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    this.#after = afterOf(this.#progress);
    await writer?.discard();
  }

  async #finish(localStates: ReadonlyMap<string, Uint8Array>): Promise<void> {
    if (!this.isComplete) throw refused('a base of which not all has come yet');
    const localState = new LocalState();
    for (const [key, value] of localStates) {
      const record = encodeLocalState(key, value);
      localState.checkRoom(key, record);
      localState.set(key, record);
    }
    const { storeId, floor } = this.#options;
    const { segments } = this.#progress;
    const lock = await this.#vfs.lock(this.#directory);
    try {
      // Of a `finish` that could not be done.
      await clearStaging(this.#vfs, this.#staging, wholeFiles(this.#progress));
      const files = { storeId, floor, segments, localState };
      await writeBaseFiles(this.#vfs, this.#staging, files);
      await beginAdoption(this.#vfs, this.#directory);
      this.#closed = true;
      await this.#lock.release();
    } finally {
      await lock.release();
    }
  }
}

/** What is durable, and the marker that says so. */
function wholeFiles(progress: StagingProgress): ReadonlySet<string> {
  const ids = segmentIds(progress);
  const names = ids.flatMap((id) => [sortedName(id), directoryName(id)]);
  return new Set([Unfinished.import, ...names]);
}

/** Whether the files are there that `progress` speaks of: an adoption may have broken off. */
async function isWhole(vfs: Vfs, staging: string, progress: StagingProgress): Promise<boolean> {
  const names = new Set(await vfs.list(staging));
  return segmentIds(progress).every((id) => names.has(sortedName(id)));
}

function segmentIds({ segments }: StagingProgress): number[] {
  return Array.from({ length: segments }, (_, at) => FIRST_SORTED_SEGMENT + at);
}

function afterOf({ after }: StagingProgress): Uint8Array | undefined {
  return after === undefined ? undefined : new Uint8Array(Buffer.from(after, 'base64'));
}

function checkFloor({ index, term, state }: Floor): void {
  const isRight =
    Number.isSafeInteger(index) && index > 0 && Number.isSafeInteger(term) && term > 0;
  if (!isRight) throw refused(`a base at entry ${index} of term ${term}`);
  if (state.length <= MAX_FLOOR_STATE_BYTES) return;
  throw refused(`${state.length} bytes of state, and at most ${MAX_FLOOR_STATE_BYTES} may be`);
}

function shown(after: Uint8Array | undefined): string {
  return after === undefined
    ? 'with the first key'
    : `behind ${Buffer.from(after).toString('hex')}`;
}

function refused(message: string): DleError {
  return new DleError('DLE_INVALID_ARGUMENT', message);
}
