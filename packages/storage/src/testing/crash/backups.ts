import { dirname } from 'node:path';
import { isDleError } from '@dle/common';
import type { BackupReport } from '../../care/types.js';
import type { LogStore } from '../../store/log-store.js';
import { abortSoon } from './abort-soon.js';
import { Broken } from './crash-failure.js';
import type { Faults } from './faults.js';
import type { Model } from './model.js';
import { BACKUP, type World } from './world.js';

const MOST_TURNS_TO_ABORT = 40;

export interface BackupsParts {
  readonly store: LogStore;
  readonly faults: Faults;
  /** Of compaction: whether one is under way. */
  readonly compactions: { readonly pending: ReadonlySet<unknown> };
}

/** What lies in the directory of backups, as far as is known: it outlives every process. */
export class BackupOnDisk {
  /** What the last one that was made may hold; `undefined`: there has been none. */
  made: Model | undefined;
  /** What those may hold that were begun since: each may have come to its end unheard. */
  begun: Model[] = [];

  /** What whoever opens or restores it may find. */
  get possible(): readonly Model[] {
    return this.made === undefined ? this.begun : [this.made, ...this.begun];
  }
}

/** The calls of `backup()` of one life of the store: one is under way at a time. */
export class Backups {
  /** Set when the store is being closed: it ends them. */
  closing = false;
  readonly #world: World;
  readonly #parts: BackupsParts;
  #pending: Promise<void> | undefined;
  /** What the run has found out where nobody waited. */
  #broken: Broken | undefined;

  constructor(world: World, parts: BackupsParts) {
    this.#world = world;
    this.#parts = parts;
  }

  get underWay(): boolean {
    return this.#pending !== undefined;
  }

  /** Resolves when the one that is under way, or is begun here, has come to its end. */
  start(): Promise<void> {
    if (this.#pending !== undefined) return this.#pending;
    const { history, coverage, model, dice, vfs, backup } = this.#world;
    const controller = new AbortController();
    const { signal } = controller;
    const aborts = dice.chance(15);
    history.add(aborts ? 'backup, to be aborted' : 'backup');
    coverage.count('backup asked for');
    if (this.#parts.compactions.pending.size > 0) coverage.count('backup while compacting');
    const acknowledged = model.kept;
    const held = model.part(acknowledged, model.count);
    backup.begun.push(held);
    const making = this.#parts.store.backup(BACKUP, { signal });
    if (aborts) abortSoon(this.#world, controller, MOST_TURNS_TO_ABORT);
    const settled = making
      .then(
        (report) => {
          if (!vfs.down) this.#made(report, held, acknowledged);
        },
        (thrown) => {
          if (!vfs.down) this.#judge(thrown, signal);
        },
      )
      .catch((thrown) => {
        this.#broken ??=
          thrown instanceof Broken ? thrown : new Broken(`${thrown}`, { cause: thrown });
      })
      .finally(() => {
        this.#pending = undefined;
      });
    this.#pending = settled;
    return settled;
  }

  /** Resolves when none is under way. */
  async ended(): Promise<void> {
    await this.#pending;
  }

  /** Throws what was found out where nobody waited. */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #made(
    { files, linkedFiles, copiedFiles, keptFiles }: BackupReport,
    held: Model,
    to: number,
  ): void {
    const { history, coverage, model, backup, vfs } = this.#world;
    history.add(`backed up: ${linkedFiles} links, ${copiedFiles} copies, ${keptFiles} kept`);
    coverage.count('backup made');
    if (keptFiles > 0) coverage.count('backup brought up to date');
    backup.made = held;
    backup.begun = [];
    // What was acknowledged is on the device in the backup; so it is in the store.
    model.flushed(to);
    const found = vfs.paths.filter((path) => dirname(path) === BACKUP);
    if (files === found.length && files === linkedFiles + copiedFiles + keptFiles) return;
    throw new Broken(`a backup of ${files} files consists of ${found.join(', ')}`);
  }

  #judge(thrown: unknown, signal: AbortSignal): void {
    const { history, coverage } = this.#world;
    const { full, ioError, mayPoison } = this.#parts.faults;
    if (signal.aborted && thrown === signal.reason) coverage.count('backup aborted');
    else if (isDleError(thrown, 'DLE_DISK_FULL') && full) {
      coverage.count('backup failed, disk full');
    } else if (isDleError(thrown, 'DLE_IO') && ioError) {
      coverage.count('backup failed, I/O error');
    } else if (isDleError(thrown, 'DLE_STORAGE_POISONED') && mayPoison) {
      coverage.count('backup failed, poisoned');
    } else if (isDleError(thrown, 'DLE_CLOSED') && this.closing) {
      coverage.count('backup failed, closed');
    } else throw new Broken(`backup failed without need: ${thrown}`, { cause: thrown });
    history.add(`not backed up: ${thrown}`);
  }
}
