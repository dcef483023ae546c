import { isDleError } from '@dle/common';
import type { CompactionProgress } from '../../compaction/compactor.js';
import type { LogStore } from '../../store/log-store.js';
import { abortSoon } from './abort-soon.js';
import { Broken } from './crash-failure.js';
import { DiskFiles } from './disk-files.js';
import type { Faults } from './faults.js';
import { compareAll } from './whole-reads.js';
import type { World } from './world.js';
import type { Writes } from './writes.js';

const MOST_TURNS_TO_ABORT = 60;

export interface CompactionsParts {
  readonly store: LogStore;
  readonly writes: Writes;
  readonly faults: Faults;
}

/** The calls of `compact()` of one life of the store, some of them under way. */
export class Compactions {
  /** Set when the store is being closed: it ends them. */
  closing = false;
  /** Whether somebody holds a snapshot, or makes a backup: files stay for it. */
  held = false;
  /** Under way. */
  readonly pending: Set<Promise<boolean>> = new Set();
  readonly #world: World;
  readonly #parts: CompactionsParts;
  /** What the run has found out where nobody waited. */
  #broken: Broken | undefined;

  constructor(world: World, parts: CompactionsParts) {
    this.#world = world;
    this.#parts = parts;
  }

  /** Resolves with whether it was done. */
  start(): Promise<boolean> {
    const { history, coverage, model } = this.#world;
    const { store, writes } = this.#parts;
    const aborts = this.#world.dice.chance(this.#world.workload.isCrowded ? 60 : 20);
    const controller = new AbortController();
    if (aborts) abortSoon(this.#world, controller, MOST_TURNS_TO_ABORT);
    history.add(aborts ? 'compact, to be aborted' : 'compact');
    coverage.count('compaction asked for');
    const [before, isAlone] = [model.count, this.pending.size === 0 && writes.pending.size === 0];
    const { signal } = controller;
    const done = store.compact({ signal, onProgress: this.#progress() }).then(
      () => {
        if (!this.#world.vfs.down) this.#done(isAlone && model.count === before);
        return true;
      },
      (thrown) => {
        if (!this.#world.vfs.down) this.#judge(thrown, signal);
        return false;
      },
    );
    const settled = done.catch((thrown) => {
      this.#broken ??=
        thrown instanceof Broken ? thrown : new Broken(`${thrown}`, { cause: thrown });
      return false;
    });
    this.pending.add(settled);
    return settled.finally(() => this.pending.delete(settled));
  }

  /** Throws what was found out where nobody waited. */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
    const { store, faults } = this.#parts;
    if (store.log.failure !== undefined && !faults.mayPoison) {
      throw new Broken('the store is poisoned, and the log has met no failure');
    }
  }

  /** What is said only rises, and never above what there is. */
  #progress(): (progress: CompactionProgress) => void {
    let last = 0;
    return ({ doneBytes, totalBytes }) => {
      if (doneBytes < last || doneBytes > totalBytes) {
        this.#broken ??= new Broken(`${doneBytes} of ${totalBytes} bytes are done, after ${last}`);
      }
      last = doneBytes;
    };
  }

  /** `isAlone`: nothing was written meanwhile. */
  #done(isAlone: boolean): void {
    const { history, coverage, vfs } = this.#world;
    const { store, faults } = this.#parts;
    history.add('compacted');
    coverage.count('compaction done');
    if (this.closing) return;
    compareAll(this.#world, store);
    const isQuiet = isAlone && !this.held && !faults.isLimited && vfs.failures.length === 0;
    if (!isQuiet || this.#world.model.count !== this.#world.model.kept) return;
    coverage.count('compaction done while nothing else happened');
    this.#expectTidy();
  }

  /** There is one run, which holds the newest record of each key, and nothing else. */
  #expectTidy(): void {
    const { store } = this.#parts;
    const files = new DiskFiles(this.#world.vfs);
    const { keys, sortedRuns } = store.stats();
    const headers = (files.manifest?.sorted ?? []).map(({ id }) => files.headerOf(id));
    const listed = headers.reduce((sum, header) => sum + header.keys, 0);
    const tombstones = headers.reduce((sum, header) => sum + header.tombstones, 0);
    const segments = files.segments.length - files.gone.length;
    // When it has been idle meanwhile, a segment may have been begun that says so.
    if (sortedRuns <= 1 && listed === keys && tombstones === 0 && segments <= 2) return;
    throw new Broken(
      `compacted: ${sortedRuns} sorted runs, ${listed} keys in them of ${keys}, ${tombstones} deletes; ${segments} segments of the log`,
    );
  }

  #judge(thrown: unknown, signal: AbortSignal): void {
    const { history, coverage } = this.#world;
    const { full, ioError, mayPoison } = this.#parts.faults;
    const { poisoned } = this.#parts.store.stats();
    if (signal.aborted && thrown === signal.reason) coverage.count('compaction aborted');
    else if (isDleError(thrown, 'DLE_DISK_FULL') && full) {
      coverage.count('compaction failed, disk full');
    } else if (isDleError(thrown, 'DLE_IO') && ioError) {
      coverage.count('compaction failed, I/O error');
      if (!poisoned) coverage.count('compaction failed, and the log goes on');
    } else if (isDleError(thrown, 'DLE_STORAGE_POISONED') && mayPoison) {
      coverage.count('compaction failed, poisoned');
    } else if (isDleError(thrown, 'DLE_CLOSED') && this.closing) {
      coverage.count('compaction failed, closed');
    } else throw new Broken(`compaction failed without need: ${thrown}`, { cause: thrown });
    history.add(`not compacted: ${thrown}`);
  }
}
