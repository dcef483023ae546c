import type { Manifest } from '../../compaction/manifest.js';
import type { LogStore } from '../../store/log-store.js';
import type { LogStoreStats } from '../../store/types.js';
import { DiskFiles } from './disk-files.js';
import type { World } from './world.js';

/** Sees from without what compaction has done since it was last looked at. */
export class CompactionWatch {
  readonly #world: World;
  readonly #store: LogStore;
  #counters: LogStoreStats['compaction'];
  #manifest: Manifest | undefined;
  /** Deletes in the sealed files that there have been, by their ids. */
  readonly #deletes = new Map<number, number>();

  constructor(world: World, store: LogStore) {
    this.#world = world;
    this.#store = store;
    const files = new DiskFiles(world.vfs);
    this.#counters = store.stats().compaction;
    this.#manifest = files.manifest;
    this.#countDeletes(files);
  }

  /** `isAsked`: somebody has called `compact`. */
  look(isAsked: boolean, isHeld: boolean): void {
    const { coverage, vfs } = this.#world;
    const { compaction: now, sortedRuns } = this.#store.stats();
    const before = this.#counters;
    this.#counters = now;
    if (now.jobs > before.jobs && !isAsked) coverage.count('compaction begun by itself');
    if (now.dropped > before.dropped) coverage.count('records dropped');
    if (now.bytesFreed > before.bytesFreed) {
      coverage.count('space given back');
      if (now.bytesWritten === before.bytesWritten && now.jobs === before.jobs) {
        coverage.count('spent files dropped without a job');
      }
    }
    if (sortedRuns >= 16) coverage.count('sixteen sorted runs');
    const files = new DiskFiles(vfs);
    if (isHeld && files.gone.length > 0) {
      coverage.count('segment of a gap that holds a snapshot up');
    }
    this.#countDeletes(files);
    if (files.manifest !== undefined && !isSame(files.manifest, this.#manifest)) {
      this.#installed(files.manifest);
    }
    this.#manifest = files.manifest;
  }

  #installed(manifest: Manifest): void {
    const { coverage } = this.#world;
    coverage.count('manifest written');
    const known = new Set(this.#manifest?.sorted.map(({ id }) => id));
    const made = manifest.sorted.filter(({ id }) => !known.has(id));
    const present = new Set(manifest.sorted.map(({ id }) => id));
    if (manifest.gaps.some(({ firstSegment, end }) => firstSegment !== end.segment)) {
      coverage.count('gaps joined');
    }
    if (made.length === 0) return;
    coverage.count('output installed');
    const kept = made.reduce((sum, { id }) => sum + (this.#deletes.get(id) ?? 0), 0);
    if (kept > 0) coverage.count('deletes kept');
    let gone = 0;
    for (const [id, count] of this.#deletes) {
      const isGone = manifest.gaps.some(
        ({ firstSegment, end }) => firstSegment <= id && id <= end.segment,
      );
      if (!isGone && (!known.has(id) || present.has(id))) continue;
      gone += count;
      this.#deletes.delete(id);
    }
    if (gone > kept) coverage.count('deletes dropped');
  }

  #countDeletes(files: DiskFiles): void {
    for (const id of files.directories) {
      if (this.#deletes.has(id)) continue;
      try {
        this.#deletes.set(id, files.headerOf(id).tombstones);
      } catch {
        // One that is being written, or that has been damaged.
      }
    }
  }
}

function isSame(one: Manifest, other: Manifest | undefined): boolean {
  return (
    one.nextId === other?.nextId &&
    one.dropped === other.dropped &&
    one.sorted.length === other.sorted.length &&
    one.gaps.length === other.gaps.length
  );
}
