import { dirname } from 'node:path';
import { isDleError } from '@dle/common';
import { LogStore } from '../../store/log-store.js';
import { verifyStore } from './check-files.js';
import { Broken } from './crash-failure.js';
import type { Faults } from './faults.js';
import type { Model } from './model.js';
import type { Patience } from './patience.js';
import { stateOf } from './whole-reads.js';
import { BACKUP, RESTORED, type World } from './world.js';

const MARKER = 'restore.unfinished';

/** Looks at what lies in the directory of backups: it is one of those that were made, and whole. */
export class Restores {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #patience: Patience;

  constructor(world: World, faults: Faults, patience: Patience) {
    this.#world = world;
    this.#faults = faults;
    this.#patience = patience;
  }

  /** Makes a store of the backup, or goes on with it, and looks at that. */
  async restore(): Promise<void> {
    const { history, coverage, backup, disk, time } = this.#world;
    const names = this.#namesIn(RESTORED);
    const goesOn = names.some((name) => name.startsWith(MARKER));
    // What is in the way was restored by a process that has ended.
    if (names.length > 0 && !goesOn) await this.#look(RESTORED, this.#world.restored);
    history.add(goesOn ? 'restore, once more' : 'restore');
    if (goesOn) coverage.count('restore gone on with');
    this.#world.restored = backup.possible;
    this.#faults.planEndInRestore(30);
    const restoring = LogStore.restore(BACKUP, RESTORED, {}, { vfs: disk, clock: time });
    try {
      await this.#patience.outcomeOf(restoring, 'restore');
    } catch (thrown) {
      this.#patience.checkAlive();
      this.#judge(thrown);
      return;
    }
    coverage.count('backup restored');
    await this.#look(RESTORED, backup.possible);
  }

  /** A backup is a store by itself. */
  async openAsItIs(): Promise<void> {
    const { backup, coverage, history } = this.#world;
    if (backup.made === undefined || backup.begun.length > 0 || this.#faults.isLimited) return;
    // Who opens it, and does not close it, has made something else of it.
    this.#faults.planNothing();
    history.add('open the backup');
    await this.#compare(BACKUP, backup.possible);
    coverage.count('backup opened as it is');
  }

  async #look(directory: string, possible: readonly Model[]): Promise<void> {
    if (possible.length > 0) await this.#compare(directory, possible);
    this.#world.restored = [];
    await this.#remove(directory);
  }

  async #compare(directory: string, possible: readonly Model[]): Promise<void> {
    const { disk, time, storeRandom, history } = this.#world;
    const components = { vfs: disk, clock: time, random: storeRandom };
    const options = { compaction: { automatic: false } };
    const opening = LogStore.open(directory, options, components);
    const store = await this.#patience.outcomeOf(opening, `open ${directory}`);
    const state = stateOf(this.#world, store);
    if (possible.every((model) => model.find(state) === undefined)) {
      const why = possible.map((model) => model.explain(state)).join('; ');
      throw new Broken(`${directory}: ${why}`);
    }
    history.add(`${directory} holds what was backed up, ${state.size} keys`);
    await verifyStore(this.#world, this.#patience, store);
    await this.#patience.outcomeOf(store.close(), `close ${directory}`);
  }

  #judge(thrown: unknown): void {
    const { backup, history, coverage } = this.#world;
    const { full, ioError } = this.#faults;
    history.add(`not restored: ${thrown}`);
    const isRefused = isDleError(thrown, 'DLE_INVALID_ARGUMENT');
    if (isRefused && /unfinished backup/.test(thrown.message) && backup.begun.length > 0) {
      coverage.count('backup that was interrupted refused');
    } else if (isRefused && /holds no backup/.test(thrown.message) && backup.made === undefined) {
      coverage.count('backup that was never made refused');
    } else if (isDleError(thrown, 'DLE_DISK_FULL') && full) {
      coverage.count('restore failed, disk full');
    } else if (isDleError(thrown, 'DLE_IO') && ioError) {
      coverage.count('restore failed, I/O error');
    } else throw new Broken(`restore failed without need: ${thrown}`, { cause: thrown });
  }

  async #remove(directory: string): Promise<void> {
    const { vfs } = this.#world;
    const wipe = async (): Promise<void> => {
      for (const name of this.#namesIn(directory)) await vfs.unlink(`${directory}/${name}`);
      await vfs.syncDirectory(directory);
    };
    await this.#patience.outcomeOf(wipe(), `remove ${directory}`);
  }

  #namesIn(directory: string): string[] {
    const { paths } = this.#world.vfs;
    return paths
      .filter((path) => dirname(path) === directory)
      .map((path) => path.slice(directory.length + 1));
  }
}
