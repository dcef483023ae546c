import { join } from 'node:path';
import { isDleError } from '@dle/common';
import { MAX_RUNS } from '../../compaction/choose-inputs.js';
import { directoryName } from '../../directory/directory-format.js';
import { LogStore } from '../../store/log-store.js';
import { Backups } from './backups.js';
import { checkAccounts, checkClosed, checkFiles, verifyStore } from './check-files.js';
import { CompactionWatch } from './compaction-watch.js';
import { Compactions } from './compactions.js';
import type { CrashEvent } from './coverage.js';
import { Broken } from './crash-failure.js';
import { DiskFiles } from './disk-files.js';
import { Faults } from './faults.js';
import { HeldSnapshots } from './held-snapshots.js';
import { drawOptions, type LifeOptions } from './life-options.js';
import { Patience } from './patience.js';
import { Reads } from './reads.js';
import { Restores } from './restores.js';
import { Steps } from './steps.js';
import { stateOf } from './whole-reads.js';
import { DIRECTORY, type World } from './world.js';
import { Writes } from './writes.js';

/** Longer than compaction waits for anything. */
const ROUND_MS = 600;
const STILL_ROUNDS = 12;
const MOST_ROUNDS = 100;

/** How a life of the store ended. */
export type LifeEnd = 'closed' | 'closed poisoned' | 'not opened' | 'gone';

export interface LifePlan {
  /** Whether nothing goes wrong in it. */
  readonly quiet: boolean;
  /** Whether a store has been opened there before. */
  readonly exists: boolean;
  /** What has just become of the last one. */
  readonly opening: CrashEvent;
  /** In which operation of its opening the machine is to crash, if that is settled. */
  readonly crashAtOperation: number | undefined;
  /** In which operation of a compaction it is to end, if that is settled. */
  readonly endsInCompactionAt: number | undefined;
}

/** A store that is open, and what is done with it. */
interface Running {
  readonly store: LogStore;
  readonly writes: Writes;
  readonly reads: Reads;
  readonly compactions: Compactions;
  readonly watch: CompactionWatch;
  readonly snapshots: HeldSnapshots;
  readonly backups: Backups;
  readonly restores: Restores;
}

/** One process with the store, from its opening to its end. */
export class Life {
  /** Whether the store was open at any time of it. */
  opened = false;
  /** Whether a compaction has come to its end in which it was to end. */
  compacted = false;
  readonly #world: World;
  readonly #plan: LifePlan;
  readonly #options: LifeOptions;
  readonly #faults: Faults;
  readonly #patience: Patience;

  constructor(world: World, plan: LifePlan) {
    this.#world = world;
    this.#plan = plan;
    this.#options = drawOptions(world);
    this.#faults = new Faults(world, plan.quiet);
    this.#patience = new Patience(world);
  }

  async live(): Promise<LifeEnd> {
    let phase: CrashEvent = 'gone while opening';
    try {
      const store = await this.#open();
      if (store === undefined) return 'not opened';
      phase = 'gone while running';
      this.#recovered(store);
      const running = this.#begin(store);
      // What is forgotten is closed when it is collected: not while another process has the disk.
      this.#world.remains.push(running);
      await this.#run(running);
      phase = 'gone while closing';
      return await this.#close(running);
    } catch (thrown) {
      if (!this.#world.vfs.down || thrown instanceof Broken) throw thrown;
      this.#world.coverage.count(phase);
      return 'gone';
    }
  }

  #begin(store: LogStore): Running {
    const world = this.#world;
    const faults = this.#faults;
    const writes = new Writes(world, store, faults, this.#options.store.durability);
    const compactions = new Compactions(world, { store, writes, faults });
    return {
      store,
      writes,
      reads: new Reads(world, store),
      compactions,
      backups: new Backups(world, { store, faults, compactions }),
      restores: new Restores(world, faults, this.#patience),
      watch: new CompactionWatch(world, store),
      snapshots: new HeldSnapshots(world, store, this.#patience),
    };
  }

  async #open(): Promise<LogStore | undefined> {
    const { history, disk, time, storeRandom, dice, coverage } = this.#world;
    const { store: options } = this.#options;
    const { crashAtOperation } = this.#plan;
    if (dice.chance(5)) this.#faults.fill();
    const fault = dice.below(100);
    if (crashAtOperation !== undefined) this.#faults.planCrash(crashAtOperation);
    else if (fault < 3) this.#faults.planFlushError(4);
    else if (fault < 6) this.#faults.planWriteError(3);
    else if (this.#plan.opening !== 'opened after a kill') this.#faults.planEnd(30, 60);
    else if (dice.chance(40)) this.#faults.planEnd(30, 60);
    else this.#faults.planEndInTidying(70);
    history.add(`open ${JSON.stringify(options)}`);
    const before = new DiskFiles(this.#world.vfs);
    const losesDirectory = this.#world.workload.compacts === 'by itself' ? 15 : 3;
    if (dice.chance(losesDirectory)) this.#loseDirectory(before);
    const components = { vfs: disk, clock: time, random: storeRandom };
    try {
      const opening = LogStore.open(DIRECTORY, options, components);
      const store = await this.#patience.outcomeOf(opening, 'open');
      this.opened = true;
      coverage.count(this.#plan.opening);
      this.#countFound(before);
      if (this.#faults.isLimited) coverage.count('opened on a full disk');
      return store;
    } catch (thrown) {
      this.#patience.checkAlive();
      this.#judgeOpening(thrown);
      await this.#patience.quiet();
      checkClosed(this.#world);
      return undefined;
    } finally {
      this.#faults.planNothing();
    }
  }

  #judgeOpening(thrown: unknown): void {
    const { coverage, history } = this.#world;
    const { full, ioError } = this.#faults;
    if (isDleError(thrown, 'DLE_DISK_FULL') && full && !this.#plan.exists) {
      coverage.count('open failed, no room for a first one');
    } else if (isDleError(thrown, 'DLE_IO', 'DLE_STORAGE_POISONED') && ioError) {
      coverage.count('open failed, injected fault');
    } else if (thrown instanceof Broken) throw thrown;
    else throw new Broken(`the store cannot be opened: ${thrown}`, { cause: thrown });
    history.add(`not opened: ${thrown.message}`);
    this.#faults.makeRoom();
  }

  /** One that is lost, and cannot be made again: nobody knows which keys its segment has. */
  #loseDirectory({ segments, directories }: DiskFiles): void {
    const { dice, vfs, coverage } = this.#world;
    if (this.#plan.quiet || segments.length === 0) return;
    const id = dice.pick(segments);
    const path = join(DIRECTORY, directoryName(id));
    if (directories.includes(id)) vfs.unlinkSync(path);
    this.#faults.refuseDirectory(id);
    coverage.count('key directory lost for good');
  }

  #countFound({ manifest, unnamed, gone }: DiskFiles): void {
    const { coverage } = this.#world;
    if (unnamed.length > 0) coverage.count('output without a manifest, left by a crash');
    if (gone.length > 0) coverage.count('segment of a gap, left by a crash');
    if ((manifest?.gaps.length ?? 0) > 0) coverage.count('recovery with gaps');
    if ((manifest?.sorted.length ?? 0) > 0) coverage.count('recovery with sorted segments');
  }

  /** What is there must be what some allowed number of writes has left. */
  #recovered(store: LogStore): void {
    const { model, history, coverage } = this.#world;
    const state = stateOf(this.#world, store);
    const { kept, count } = model;
    const found = model.find(state);
    if (found === undefined) throw new Broken(`after opening: ${model.explain(state)}`);
    history.add(`opened, with ${found} of ${count} writes, ${kept} of which had to be there`);
    coverage.count(
      found === count ? 'recovered all writes' : 'recovered fewer writes than were made',
    );
    if (found > kept) coverage.count('recovered a write that was not acknowledged');
    if (store.stats().directories.damaged > 0) {
      coverage.count('key directory found damaged and made again');
    }
    checkFiles(this.#world);
    // Where there is no room for a whole step, a file may have grown without the log's taking it.
    if (!this.#faults.isLimited) checkAccounts(this.#world, store);
    model.recovered(state);
  }

  async #run(running: Running): Promise<void> {
    const { dice, vfs, history } = this.#world;
    const { quiet, endsInCompactionAt } = this.#plan;
    const { store } = running;
    const steps = new Steps(this.#world, {
      ...running,
      faults: this.#faults,
      patience: this.#patience,
      options: this.#options,
    });
    if (endsInCompactionAt !== undefined) {
      this.compacted = await steps.endInCompaction(endsInCompactionAt);
      return;
    }
    const fault = dice.below(100);
    if (fault < 6) this.#faults.planFlushError(30);
    else if (fault < 12) this.#faults.planWriteError(30);
    else this.#faults.planEnd(40, 400);
    for (let left = dice.magnitude(quiet ? 5 : 100) - 1; left > 0; left--) {
      await steps.step();
      // Little can happen to a store that takes nothing any more.
      if (!this.#faults.ioError || !store.stats().poisoned || !dice.chance(30)) continue;
      await verifyStore(this.#world, this.#patience, store);
      break;
    }
    if (quiet) await this.#comeToRest(running);
    if (quiet || dice.chance(50)) return;
    history.add('the process ends');
    if (dice.chance(40)) vfs.kill();
    else vfs.crash();
    this.#patience.checkAlive();
  }

  /** Nothing is asked of it any more: it does what there is to do, and no more. */
  async #comeToRest(running: Running): Promise<void> {
    const { store, writes, compactions, snapshots, backups, restores } = running;
    const { coverage, time, workload } = this.#world;
    const patience = this.#patience;
    await patience.outcomeOf(Promise.all(writes.pending.values()), 'writes');
    await patience.outcomeOf(Promise.all(compactions.pending), 'compactions');
    await patience.outcomeOf(backups.ended(), 'backup');
    if (workload.backsUp) {
      await patience.outcomeOf(backups.start(), 'backup');
      backups.check();
      await restores.restore();
    }
    if (this.#world.dice.chance(50)) await snapshots.releaseAll();
    for (let still = 0, rounds = 0; still < STILL_ROUNDS; rounds++) {
      if (rounds > MOST_ROUNDS) throw new Broken('compaction never comes to rest');
      const before = JSON.stringify(store.stats().compaction);
      await time.pass(ROUND_MS);
      await patience.quiet();
      still = JSON.stringify(store.stats().compaction) === before ? still + 1 : 0;
    }
    coverage.count('compaction comes to rest');
    const { sortedRuns } = store.stats();
    if (sortedRuns > MAX_RUNS) throw new Broken(`${sortedRuns} sorted runs`);
    await verifyStore(this.#world, patience, store);
    await snapshots.releaseAll();
    snapshots.checkCount();
    compactions.held = false;
    await patience.outcomeOf(compactions.start(), 'compaction');
    compactions.check();
    await verifyStore(this.#world, patience, store);
  }

  async #close(running: Running): Promise<LifeEnd> {
    const { store, writes, reads, compactions, snapshots, backups } = running;
    const { dice, model, history, coverage } = this.#world;
    const fault = dice.below(100);
    if (fault < 3) this.#faults.planFlushError(2);
    else if (fault < 6) this.#faults.planWriteError(2);
    else this.#faults.planEnd(40, 15);
    const covered = model.count;
    if (writes.pending.size > 0) coverage.count('closed with writes under way');
    history.add(`close, after ${covered} writes`);
    writes.closing = true;
    reads.closing = true;
    compactions.closing = true;
    backups.closing = true;
    if (backups.underWay) coverage.count('backup under way at the close');
    if (compactions.pending.size > 0) coverage.count('compaction under way at the close');
    const closing = store.close();
    if (dice.chance(10)) writes.put({ key: this.#world.workload.key(), value: undefined }, 'flush');
    const error = await this.#patience.outcomeOf(closing, 'close').catch((thrown) => {
      this.#patience.checkAlive();
      if (isDleError(thrown, 'DLE_IO') && this.#faults.ioError) return thrown;
      throw new Broken(`close failed: ${thrown}`, { cause: thrown });
    });
    await this.#patience.quiet();
    this.#faults.planNothing();
    writes.check();
    reads.check();
    compactions.check();
    backups.check();
    if (backups.underWay) throw new Broken('the store is closed, and is being backed up');
    if (compactions.pending.size > 0) throw new Broken('the store is closed, and is compacting');
    if (writes.pending.size > 0) throw new Broken('the store is closed, and writes wait for it');
    checkClosed(this.#world);
    if (reads.views.release() > 0) coverage.count('view held to the end of a life');
    const { poisoned } = store.stats();
    if (poisoned || error !== undefined) {
      coverage.count('closed poisoned');
      history.add('closed as it is');
      return 'closed poisoned';
    }
    coverage.count(this.#faults.isLimited ? 'closed on a full disk' : 'closed clean');
    history.add(`closed, with ${covered} writes`);
    model.flushed(covered);
    const { failed } = store.stats().compaction;
    const isWhole = snapshots.size === 0 && this.#world.vfs.failures.length === 0;
    if (isWhole) checkFiles(this.#world, failed > 0);
    return 'closed';
  }
}
