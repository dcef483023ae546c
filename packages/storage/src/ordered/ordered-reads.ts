import { type Clock, DleError, isDleError } from '@dle/common';
import { copyOf } from '../bytes.js';
import { directoryName } from '../directory/directory-format.js';
import type { SegmentSlots } from '../key-index/position.js';
import type { DeadExtents } from '../log/dead-extents.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import { SegmentFiles } from '../log/segment-files.js';
import { damageIn } from '../scrub/damage-of.js';
import type { DamageList } from '../scrub/found-damage.js';
import type { Catalog, SealedFile } from '../store/catalog.js';
import type { KeyReader } from '../store/key-reader.js';
import type { NativeIndex } from '../store/native-index.js';
import type { SegmentReader } from '../store/segment-reader.js';
import type { Vfs } from '../vfs/vfs.js';
import { BlockCache } from './block-cache.js';
import { clearRange } from './clear-range.js';
import { typescriptGathering } from './gather-keys.js';
import type { KeyBlocks } from './key-blocks.js';
import { type FoundEntry, lookUp } from './look-up.js';
import { MergedScan } from './merged-scan.js';
import { nativeGathering } from './native-gathering.js';
import { Pace } from './pace.js';
import { rangeOf } from './range.js';
import { RunBlocks } from './run-blocks.js';
import type { Scan, ScanOptions, Shape } from './scan.js';
import { SealedBlocks, type SealedBlocksComponents } from './sealed-blocks.js';
import { StoreSnapshot } from './snapshot.js';
import { type IteratorHost, StoreIterator } from './store-iterator.js';
import type { ClearOptions, IteratorOptions, Snapshot, SnapshotStats } from './types.js';
import { checkEntry, readEntry, TypescriptScan } from './typescript-scan.js';
import { type UnlistedComponents, UnlistedFile } from './unlisted-file.js';
import { type AppliedLog, type Unlisted, UnlistedFiles } from './unlisted-files.js';
import { View, ViewSources } from './view.js';
import { begin, doNow, type Work } from './work.js';

export interface OrderedComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly files: SegmentFiles;
  readonly slots: SegmentSlots;
  readonly catalog: Catalog;
  readonly segments: SegmentReader;
  readonly native: NativeIndex | undefined;
  readonly reader: KeyReader;
  /** Where replaced entries lie. */
  readonly dead: DeadExtents;
  /** What has been applied. */
  readonly applied: AppliedLog & { readonly appliedIndex: number };
  /** Told of key directories that cannot be read. */
  readonly damages: DamageList;
}

export interface OrderedOptions {
  readonly directory: string;
  /** Files that the catalog does not have when the store is opened, the log's last one excepted. */
  readonly unlisted: readonly Unlisted[];
}

/** What a snapshot or an iterator that is forgotten leaves behind. */
interface Forgotten {
  readonly view: View;
  readonly snapshot: { readonly takenAt: number } | undefined;
}

/**
 * Reads in the order of the keys, and reads of the past. Both work on views: what the key
 * directories say, and what the segments do that have none yet, all of which never changes. Taking
 * one costs next to nothing; what it needs is prepared when something is read from it.
 */
export class OrderedReads implements IteratorHost {
  readonly pace: Pace;
  readonly #components: OrderedComponents;
  readonly #directories: SegmentFiles;
  readonly #cache = new BlockCache();
  readonly #gathering: UnlistedComponents;
  readonly #unlisted: UnlistedFiles;
  readonly #blocks = new WeakMap<SealedFile, SealedBlocks>();
  readonly #sealedParts: SealedBlocksComponents;
  /** Of the catalog as it was last looked at. */
  #sealed: { readonly files: readonly SealedFile[]; readonly sources: readonly KeyBlocks[] };
  #latest: ViewSources | undefined;
  readonly #views = new Set<View>();
  readonly #snapshots = new Set<{ readonly takenAt: number }>();
  readonly #busy = new Set<Promise<unknown>>();
  readonly #forgotten = new FinalizationRegistry<Forgotten>(({ view, snapshot }) => {
    if (snapshot !== undefined) this.#snapshots.delete(snapshot);
    view.release();
  });
  #closed = false;

  constructor(components: OrderedComponents, { directory, unlisted }: OrderedOptions) {
    const { vfs, clock, files, slots, dead, applied } = components;
    this.#components = components;
    this.pace = new Pace(clock);
    this.#directories = new SegmentFiles(vfs, directory, directoryName);
    const { native } = components;
    const gather = native === undefined ? typescriptGathering : nativeGathering(native);
    this.#gathering = {
      files,
      slots,
      gather,
      dead: (file) => dead.of(file),
      pause: this.pace.pause,
      unpaused: { bytes: 0 },
    };
    this.#unlisted = new UnlistedFiles(this.#gathering, applied, unlisted);
    this.#sealed = { files: [], sources: [] };
    this.#sealedParts = {
      directories: this.#directories,
      slots,
      cache: this.#cache,
      rebuild: (file, damage) => this.#rebuild(file, damage),
    };
  }

  iterator<T>(options: IteratorOptions, shape: Shape): StoreIterator<T> {
    this.checkOpen();
    const { signal, snapshot } = options;
    const range = rangeOf(options);
    const isClosed = snapshot instanceof StoreSnapshot && snapshot.isClosed;
    const refusal = isClosed ? new DleError('DLE_CLOSED', 'the snapshot is closed') : undefined;
    const isNow = snapshot === undefined || isClosed;
    const view = isNow ? this.#takeView() : this.#viewOf(snapshot).retain();
    const iterator = new StoreIterator<T>(this, { view, range, shape, signal, refusal });
    this.#forgotten.register(iterator, { view, snapshot: undefined }, iterator);
    return iterator;
  }

  snapshot(): Snapshot {
    this.checkOpen();
    const view = this.#takeView();
    const taken = { takenAt: this.pace.now() };
    const snapshot = new StoreSnapshot(view, (closed) => {
      this.#snapshots.delete(taken);
      this.#forgotten.unregister(closed);
    });
    this.#snapshots.add(taken);
    this.#forgotten.register(snapshot, { view, snapshot: taken }, snapshot);
    return snapshot;
  }

  /** A copy of the value that `key` had in `snapshot`. */
  getSync(key: Uint8Array, snapshot: Snapshot): Uint8Array | undefined {
    const view = this.#viewOf(snapshot);
    const newest = this.#newestOf(key, view);
    if (newest !== undefined) return copyOf(newest.value);
    const { segments } = this.#components;
    const entry = doNow(this.#lookUp(view, key));
    return entry && copyOf(readEntry(segments, entry).value);
  }

  /** As `getSync`, by the thread pool. */
  async get(key: Uint8Array, snapshot: Snapshot): Promise<Uint8Array | undefined> {
    const view = this.#viewOf(snapshot).retain();
    const { catalog, reader, segments } = this.#components;
    // The newest record may be moved, and unlinked, while it is being read.
    const hold = catalog.hold();
    try {
      return await this.#track(async () => {
        const newest = await reader.read(key).catch(unlessDamaged);
        if (newest !== undefined && newest.index <= view.index) return copyOf(newest.value);
        const entry = await begin(this.#lookUp(view, key));
        if (entry === undefined) return undefined;
        const record = await segments.read(entry.position);
        checkEntry(segments, entry, record);
        return copyOf(record.value);
      });
    } finally {
      hold.release();
      view.release();
    }
  }

  has(key: Uint8Array, snapshot: Snapshot): boolean {
    const view = this.#viewOf(snapshot);
    if (this.#newestOf(key, view) !== undefined) return true;
    return doNow(this.#lookUp(view, key)) !== undefined;
  }

  /** `remove` deletes keys, all or none of them. */
  async clear(
    options: ClearOptions,
    remove: (keys: readonly Uint8Array[]) => Promise<void>,
  ): Promise<void> {
    const { signal, ...range } = options;
    await clearRange(this.iterator<Uint8Array>(range, 'keys'), remove, signal);
  }

  /** The catalog has got the directory of the segment `id`. */
  listed(id: number): void {
    this.#unlisted.listed(id);
  }

  /** The key directory of the file `id` has been made again. */
  relisted(id: number): void {
    this.#directories.forget(id).catch(() => undefined);
    const file = this.#sealed.files.find((each) => each.id === id);
    if (file !== undefined) this.#blocks.delete(file);
    // Views that there are go on with what they have read of the file itself.
    this.#sealed = { files: [], sources: [] };
  }

  /** The file is gone. */
  forget({ id, header }: SealedFile): void {
    this.#cache.forget(id, header.blocks + header.fences);
    // Closing what was only read may fail: that changes nothing.
    this.#directories.forget(id).catch(() => undefined);
  }

  get stats(): SnapshotStats {
    const now = this.pace.now();
    let oldest = now;
    for (const { takenAt } of this.#snapshots) oldest = Math.min(oldest, takenAt);
    return {
      count: this.#snapshots.size,
      oldestAgeMs: now - oldest,
      pinnedBytes: this.#components.catalog.pinnedBytes,
    };
  }

  /** Has all that was taken from it reject with `DLE_CLOSED`. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy);
    for (const view of [...this.#views]) view.end();
    this.#snapshots.clear();
    this.#cache.clear();
    await this.#directories.close();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  checkOpen(): void {
    if (this.#closed) throw new DleError('DLE_CLOSED', 'the store is closed');
  }

  scan(options: ScanOptions): Scan {
    const { segments, native } = this.#components;
    // Records are shipped to where they are missing: seldom, and not for speed alone.
    const isNative = native !== undefined && options.shape !== 'records';
    if (isNative) return new MergedScan(segments, native, options);
    return new TypescriptScan(segments, options);
  }

  begin<T>(work: Work<T>): T | Promise<T> {
    const result = begin(work);
    return result instanceof Promise ? this.#track(() => result) : result;
  }

  closed(iterator: object, view: View): void {
    this.#forgotten.unregister(iterator);
    view.release();
  }

  /** The newest record of `key`, if it is that of `view` as well: there is no quicker way. */
  #newestOf(key: Uint8Array, view: View): RecordView | undefined {
    try {
      const newest = this.#components.reader.find(key);
      return newest !== undefined && newest.index <= view.index ? newest : undefined;
    } catch (thrown) {
      return unlessDamaged(thrown);
    }
  }

  #track<T>(work: () => Promise<T>): Promise<T> {
    const promise = work();
    const done = (): void => {
      this.#busy.delete(promise);
    };
    this.#busy.add(promise);
    promise.then(done, done);
    return promise;
  }

  #viewOf(snapshot: Snapshot): View {
    this.checkOpen();
    if (snapshot instanceof StoreSnapshot) {
      const { view } = snapshot;
      if (this.#views.has(view)) return view;
    }
    throw new DleError('DLE_INVALID_ARGUMENT', 'snapshot is not a snapshot of this store');
  }

  #takeView(): View {
    const { catalog, applied } = this.#components;
    const hold = catalog.hold();
    const unlisted = this.#unlisted.marks();
    const sources = this.#share(new ViewSources(this.#sourcesOf(hold.files), unlisted));
    const view = new View(applied.appliedIndex, sources, hold, () => this.#views.delete(view));
    this.#views.add(view);
    return view;
  }

  /** What the last view has prepared serves this one as well, if nothing was written since. */
  #share(sources: ViewSources): ViewSources {
    if (this.#latest?.isSame(sources) !== true) this.#latest = sources;
    return this.#latest;
  }

  #sourcesOf(files: readonly SealedFile[]): readonly KeyBlocks[] {
    if (this.#sealed.files !== files) this.#sealed = { files, sources: this.#group(files) };
    return this.#sealed.sources;
  }

  /** A source for each segment of the log, and one for each sorted run. */
  #group(files: readonly SealedFile[]): KeyBlocks[] {
    const sources: KeyBlocks[] = [];
    const runs = new Map<number, SealedBlocks[]>();
    for (const file of files) {
      if (file.header.blocks === 0) continue;
      const blocks = this.#blocksOf(file);
      const run = runs.get(file.run);
      if (file.kind === 'log') sources.push(blocks);
      else if (run === undefined) runs.set(file.run, [blocks]);
      else run.push(blocks);
    }
    for (const run of runs.values()) sources.push(run.length === 1 ? run[0]! : new RunBlocks(run));
    return sources;
  }

  #blocksOf(file: SealedFile): SealedBlocks {
    let blocks = this.#blocks.get(file);
    if (blocks === undefined) {
      blocks = new SealedBlocks(this.#sealedParts, file);
      this.#blocks.set(file, blocks);
    }
    return blocks;
  }

  *#rebuild({ id, kind, header }: SealedFile, damage: Error): Work<KeyBlocks> {
    const found = damageIn('directory', this.#directories.pathOf(id), damage);
    if (found !== undefined) this.#components.damages.note(found);
    const file = new UnlistedFile(this.#gathering, id, kind === 'sorted');
    const run = yield* file.whole(header.end);
    // The same keys make the same blocks.
    if (run?.count !== header.blocks || run.keys !== header.keys) throw damage;
    return run;
  }

  /** The put that was the newest record of `key`. */
  *#lookUp(view: View, key: Uint8Array): Work<FoundEntry | undefined> {
    const entry = yield* lookUp(yield* view.sources.all(), key, this.pace.pause);
    return entry?.kind === RecordKind.put ? entry : undefined;
  }
}

/**
 * A damaged record may be newer than the view, which does without it then; if it is the one that
 * the view has, reading it there says so.
 */
function unlessDamaged(thrown: unknown): undefined {
  if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) throw thrown;
  return undefined;
}
