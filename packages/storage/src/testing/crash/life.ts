import { isDleError } from '@dle/common';
import { LogStore } from '../../store/log-store.js';
import { checkClosed, verifyStore } from './check-files.js';
import type { CrashEvent } from './coverage.js';
import { Broken } from './crash-failure.js';
import { Faults } from './faults.js';
import { drawOptions, type LifeOptions } from './life-options.js';
import { Patience } from './patience.js';
import { Reads } from './reads.js';
import { Steps } from './steps.js';
import { stateOf } from './whole-reads.js';
import { DIRECTORY, type World } from './world.js';
import { Writes } from './writes.js';

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
}

/** One process with the store, from its opening to its end. */
export class Life {
  /** Whether the store was open at any time of it. */
  opened = false;
  readonly #world: World;
  readonly #plan: LifePlan;
  readonly #options: LifeOptions;
  readonly #faults: Faults;
  readonly #patience: Patience;

  constructor(world: World, plan: LifePlan) {
    this.#world = world;
    this.#plan = plan;
    this.#options = drawOptions(world.dice);
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
      const writes = new Writes(this.#world, store, this.#faults, this.#options.store.durability);
      const reads = new Reads(this.#world, store);
      await this.#run(store, writes, reads);
      phase = 'gone while closing';
      return await this.#close(store, writes, reads);
    } catch (thrown) {
      if (!this.#world.vfs.down || thrown instanceof Broken) throw thrown;
      this.#world.coverage.count(phase);
      return 'gone';
    }
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
    else this.#faults.planEnd(30, 60);
    history.add(`open ${JSON.stringify(options)}`);
    const components = { vfs: disk, clock: time, random: storeRandom };
    try {
      const opening = LogStore.open(DIRECTORY, options, components);
      const store = await this.#patience.outcomeOf(opening, 'open');
      this.opened = true;
      coverage.count(this.#plan.opening);
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
    model.recovered(state);
  }

  async #run(store: LogStore, writes: Writes, reads: Reads): Promise<void> {
    const { dice, vfs, history } = this.#world;
    const { quiet } = this.#plan;
    const fault = dice.below(100);
    if (fault < 6) this.#faults.planFlushError(30);
    else if (fault < 12) this.#faults.planWriteError(30);
    else this.#faults.planEnd(40, 400);
    const steps = new Steps(this.#world, {
      store,
      writes,
      reads,
      faults: this.#faults,
      patience: this.#patience,
      options: this.#options,
    });
    for (let left = dice.magnitude(quiet ? 5 : 100) - 1; left > 0; left--) {
      await steps.step();
      // Little can happen to a store that takes nothing any more.
      if (this.#faults.ioError && store.stats().poisoned && dice.chance(30)) break;
    }
    if (quiet) await verifyStore(this.#world, this.#patience, store);
    if (quiet || dice.chance(50)) return;
    history.add('the process ends');
    if (dice.chance(40)) vfs.kill();
    else vfs.crash();
    this.#patience.checkAlive();
  }

  async #close(store: LogStore, writes: Writes, reads: Reads): Promise<LifeEnd> {
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
    return 'closed';
  }
}
