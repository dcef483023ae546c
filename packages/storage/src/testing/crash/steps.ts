import { isDleError } from '@dle/common';
import { LogStore } from '../../store/log-store.js';
import { backUp, restore } from './backup-steps.js';
import type { Backups } from './backups.js';
import { verifyStore } from './check-files.js';
import type { CompactionWatch } from './compaction-watch.js';
import type { Compactions } from './compactions.js';
import { Broken } from './crash-failure.js';
import type { Faults } from './faults.js';
import type { HeldSnapshots } from './held-snapshots.js';
import type { LifeOptions } from './life-options.js';
import type { Change } from './model.js';
import type { Patience } from './patience.js';
import type { Reads } from './reads.js';
import type { Restores } from './restores.js';
import { compareAll, readSnapshot, stateOf } from './whole-reads.js';
import { DIRECTORY, type World } from './world.js';
import type { Writes } from './writes.js';

const MOST_IN_BURST = 8;
const MOST_IN_BATCH = 12;
const MOST_FLOODED_BYTES = 16_384;
const DISGUISE_BYTES = 2_000;
/** Compaction looks about so often whether there is anything to do. */
const CHECK_MS = 300;
const MOST_CHURNS = 40;
/** A compaction of the little that there is has fewer calls that may fail. */
const MOST_FAILURES = 60;
const MOST_ROOM = 80_000;

export interface StepParts {
  readonly store: LogStore;
  readonly writes: Writes;
  readonly reads: Reads;
  readonly compactions: Compactions;
  readonly watch: CompactionWatch;
  readonly snapshots: HeldSnapshots;
  readonly backups: Backups;
  readonly restores: Restores;
  readonly faults: Faults;
  readonly patience: Patience;
  readonly options: LifeOptions;
}

/** What may happen to an open store, one thing after the other. */
export class Steps {
  readonly #world: World;
  readonly #parts: StepParts;
  #rare: readonly (() => Promise<void>)[] = [];
  readonly #choices: readonly (readonly [number, () => void | Promise<void>])[];

  constructor(world: World, parts: StepParts) {
    this.#world = world;
    this.#parts = parts;
    const { compacts, backsUp } = world.workload;
    const often = compacts !== 'seldom';
    this.#choices = [
      [40, () => this.#write()],
      [2, () => this.#flood()],
      [1, () => this.#writeLarge()],
      [25, () => parts.patience.turns(world.dice.magnitude(8))],
      [12, () => this.#waitForWrite()],
      [8, () => this.#waitForAll()],
      [5, () => this.#flush()],
      [12, () => parts.reads.readOne()],
      [6, () => parts.reads.readLater()],
      [6, () => compareAll(world, parts.store)],
      [1, () => readSnapshot(world, parts.store, () => this.#interlude())],
      [5, () => this.#passTime()],
      [3, () => this.#beIdle()],
      [1, () => parts.faults.fill()],
      [4, () => parts.faults.makeRoom()],
      [1, () => this.#openAgain()],
      [1, () => this.#verify()],
      [compacts === 'by hand' ? 6 : compacts === 'seldom' ? 1 : 0, () => this.#compact()],
      [often ? 10 : 1, () => this.#letCompact()],
      [compacts === 'by hand' ? 3 : 0, () => this.#overtake()],
      [world.workload.isCrowded ? 0 : 1, () => this.#clear()],
      [world.workload.isCrowded ? 4 : 0, () => this.#writeAll()],
      [often ? 6 : 0, () => this.#overwriteMuch()],
      [backsUp ? 12 : 0, () => backUp(world, parts, () => this.#write())],
      [backsUp ? 5 : 0, () => restore(world, parts)],
      [often ? 2 : 1, () => parts.snapshots.take()],
      [often ? 2 : 1, () => parts.snapshots.read()],
      [often ? 2 : 1, () => parts.snapshots.release()],
    ];
    if (compacts === 'by hand') {
      this.#rare = [() => this.#failCompactions(), () => this.#fillCompactions()];
    } else if (compacts === 'by itself') {
      this.#rare = Array.from({ length: 8 }, () => () => this.#churn());
    }
  }

  async step(): Promise<void> {
    const { dice } = this.#world;
    const { patience, writes, reads, compactions, watch, snapshots, backups } = this.#parts;
    await (this.#rare[dice.below(400)] ?? dice.weighted(this.#choices))();
    patience.checkAlive();
    writes.check();
    reads.check();
    compactions.check();
    backups.check();
    compactions.held = snapshots.size > 0 || backups.underWay;
    // It costs more than most steps do.
    if (dice.chance(20)) watch.look(compactions.pending.size > 0, compactions.held);
  }

  /** Writes something, and compacts with the process or the machine to end in an operation of it. */
  async endInCompaction(atOperation: number): Promise<boolean> {
    const { dice, history } = this.#world;
    const { faults, patience, compactions } = this.#parts;
    faults.makeRoom();
    await this.#overwriteMuch();
    await this.#waitForAll();
    history.add(`to end in operation ${atOperation} of a compaction`);
    if (dice.chance(70)) faults.planCrash(atOperation);
    else faults.planKill(atOperation);
    const isDone = await patience.outcomeOf(compactions.start(), 'compaction');
    faults.planNothing();
    return isDone;
  }

  /** Some writes, of one turn or of several. */
  async #write(): Promise<void> {
    const { dice, workload } = this.#world;
    const { writes, patience, options } = this.#parts;
    for (let left = dice.magnitude(MOST_IN_BURST); left > 0; left--) {
      const durability = options.durabilityOfWrite();
      if (workload.uniform || dice.chance(75)) writes.put(this.#change(), durability);
      else {
        const count = dice.magnitude(MOST_IN_BATCH);
        const changes = Array.from({ length: count }, () => this.#change());
        writes.batch(changes, durability);
      }
      if (workload.uniform || dice.chance(25)) await patience.turns(1);
    }
  }

  /** More in one turn than a segment holds: before it is flushed there are several new ones. */
  #flood(): void {
    const { dice, workload, coverage } = this.#world;
    const { writes, options, faults } = this.#parts;
    coverage.count('more in one turn than a segment holds');
    const length = dice.between(300, 3_000);
    const bytes = dice.between(1, 4) * Math.min(options.store.segmentSize, MOST_FLOODED_BYTES);
    for (let left = bytes / length; left > 0; left--) {
      const changes = [workload.largeChange(length), this.#change()];
      writes.batch(changes.slice(dice.below(2)), options.durabilityOfWrite());
    }
    // Segments that lie wholly behind the end of the log come of a crash now.
    faults.planEnd(40, 12);
  }

  #writeLarge(): void {
    const { dice, workload, coverage } = this.#world;
    const { writes, options } = this.#parts;
    const { segmentSize } = options.store;
    if (segmentSize > MOST_FLOODED_BYTES) return;
    coverage.count('value larger than a segment');
    const length = segmentSize + dice.below(segmentSize);
    writes.put(workload.largeChange(length), options.durabilityOfWrite());
  }

  #writeAll(): void {
    const { workload } = this.#world;
    const { writes, options } = this.#parts;
    writes.batch(workload.crowd(), options.durabilityOfWrite());
  }

  async #waitForWrite(): Promise<void> {
    const { dice, history } = this.#world;
    const { writes, patience } = this.#parts;
    if (writes.pending.size === 0) return;
    const count = dice.pick([...writes.pending.keys()]);
    history.add(`wait for write ${count}`);
    await patience.outcomeOf(writes.pending.get(count)!, `write ${count}`);
  }

  async #waitForAll(): Promise<void> {
    const { writes, patience } = this.#parts;
    this.#world.history.add(`wait for ${writes.pending.size} writes`);
    await patience.outcomeOf(Promise.all(writes.pending.values()), 'writes');
  }

  async #flush(): Promise<void> {
    const flushing = this.#parts.writes.flush();
    if (this.#world.dice.chance(50)) await this.#parts.patience.outcomeOf(flushing, 'flush');
  }

  async #interlude(): Promise<void> {
    if (this.#world.dice.chance(50)) await this.#write();
    await this.#parts.patience.turns(1);
  }

  async #compact(): Promise<void> {
    const { patience, compactions, faults } = this.#parts;
    const fault = this.#world.dice.below(100);
    if (fault < 8) faults.planFlushError(10);
    else if (fault < 12) faults.planWriteError(10);
    else faults.planEndInStep(20);
    const done = compactions.start();
    if (this.#world.dice.chance(40)) await patience.outcomeOf(done, 'compaction');
  }

  /** What is compacted is overwritten meanwhile by what is not flushed yet. */
  async #overtake(): Promise<void> {
    const { dice, history } = this.#world;
    const { patience, compactions, faults, writes } = this.#parts;
    await this.#waitForAll();
    history.add('compact, and overwrite meanwhile');
    faults.planEndInStep(40);
    const done = compactions.start();
    for (let turns = dice.magnitude(100); turns > 0 && compactions.pending.size > 0; turns--) {
      if (dice.chance(20)) writes.put(this.#change(), 'none');
      await patience.turns(1);
    }
    await patience.outcomeOf(done, 'compaction');
    if (dice.chance(30)) faults.crash();
  }

  /** It begins by itself, if there is anything to do; perhaps it is the last thing that happens. */
  async #letCompact(): Promise<void> {
    const { faults, patience } = this.#parts;
    await this.#passTime(CHECK_MS);
    const { dice } = this.#world;
    if (dice.chance(50)) faults.planEnd(10, 100);
    else faults.planEndInStep(20);
    await patience.turns(dice.magnitude(40));
  }

  /** Space is won back again and again, a little at a time. */
  async #churn(): Promise<void> {
    const { dice, history } = this.#world;
    const { store, patience } = this.#parts;
    history.add('overwrite, and let compaction follow');
    for (let left = dice.between(5, MOST_CHURNS); left > 0; left--) {
      await this.#overwriteMuch();
      await this.#waitForAll();
      if (store.log.failure !== undefined) return;
      await this.#passTime(CHECK_MS);
      if (dice.chance(80)) await patience.quiet();
    }
  }

  /** A segment or more: little of what was written before counts then. */
  async #overwriteMuch(): Promise<void> {
    const { dice } = this.#world;
    const { writes, options, patience } = this.#parts;
    const bytes = dice.between(1, 4) * Math.min(options.store.segmentSize, MOST_FLOODED_BYTES);
    for (let left = bytes; left > 0; ) {
      const change = this.#change();
      writes.put(change, options.durabilityOfWrite());
      left -= 64 + change.key.length + (change.value?.length ?? 0);
      if (dice.chance(5)) await patience.turns(1);
    }
  }

  /** All keys there are, or those of a range, at once: as one write, for they are not many. */
  async #clear(): Promise<void> {
    const { workload, dice, model } = this.#world;
    const { store, writes, patience, options } = this.#parts;
    await this.#waitForAll();
    const [gte, lt] = [workload.key(), workload.key()];
    const [low, high] = dice.chance(30) ? ['', undefined] : gte < lt ? [gte, lt] : [lt, gte];
    const state = stateOf(this.#world, store);
    const keys = [...state.keys()].filter(
      (key) => key >= low && (high === undefined || key < high),
    );
    if (keys.length === 0 || store.log.failure !== undefined) return;
    const range = { gte: Buffer.from(low, 'latin1') };
    const until = high === undefined ? {} : { lt: Buffer.from(high, 'latin1') };
    const before = model.count;
    writes.clear(keys, store.clear({ ...range, ...until }), options.store.durability);
    await patience.outcomeOf(writes.pending.get(before + 1)!, 'clear');
  }

  /** One call of a compaction fails after the other: the store goes on, unless it is the log's. */
  async #failCompactions(): Promise<void> {
    const { dice, vfs, coverage, history } = this.#world;
    const { faults, patience, store, compactions } = this.#parts;
    history.add('calls of a compaction are to fail, one after the other');
    const fault = dice.pick(['failFlush', 'failWrite'] as const);
    for (let call = dice.between(1, 4); call < MOST_FAILURES; call += dice.between(1, 3)) {
      await this.#overwriteMuch();
      await this.#waitForAll();
      const before = vfs.failures.length;
      faults.planFailure(fault, call);
      await patience.outcomeOf(compactions.start(), 'compaction');
      faults.planNothing();
      compactions.check();
      if (store.stats().poisoned) return;
      if (vfs.failures.length > before) continue;
      coverage.count('failures in each operation of a compaction');
      return;
    }
  }

  /** Compacts with ever more room on the disk, until it is enough. */
  async #fillCompactions(): Promise<void> {
    const { dice, coverage } = this.#world;
    const { faults, patience, compactions, store } = this.#parts;
    for (let room = 0; room < MOST_ROOM; room += dice.magnitude(8_000)) {
      await this.#overwriteMuch();
      await this.#waitForAll();
      if (store.stats().poisoned) return;
      faults.limit(room);
      const isDone = await patience.outcomeOf(compactions.start(), 'compaction');
      compactions.check();
      await this.#interlude();
      faults.makeRoom();
      if (!isDone) continue;
      coverage.count('a disk that is full at each step of a compaction');
      return;
    }
  }

  async #passTime(atMost?: number): Promise<void> {
    const { dice, time, history } = this.#world;
    const ms = atMost ?? dice.magnitude(2 * this.#parts.options.store.idleFlushMs);
    history.add(`${ms} ms pass`);
    await time.pass(ms);
  }

  /** When nothing has happened for long enough, all that was written is flushed. */
  async #beIdle(): Promise<void> {
    const { time, model, history, coverage } = this.#world;
    const { store, writes, patience, options } = this.#parts;
    await patience.quiet();
    if (writes.pending.size > 0) throw new Broken('all is quiet, and writes are not answered');
    for (let round = 0; round < 3; round++) {
      await time.pass(options.store.idleFlushMs + 1);
      await patience.quiet();
    }
    if (store.stats().poisoned) return;
    history.add('idle');
    coverage.count('idle long enough to be flushed');
    model.flushed(model.count);
  }

  /** The directory is locked. */
  async #openAgain(): Promise<void> {
    const { disk, time, storeRandom, history, coverage } = this.#world;
    const components = { vfs: disk, clock: time, random: storeRandom };
    history.add('open it a second time');
    const opening = LogStore.open(DIRECTORY, {}, components).then(
      () => new Broken('the store was opened twice at once'),
      (thrown: unknown) => thrown,
    );
    const thrown = await this.#parts.patience.outcomeOf(opening, 'a second open');
    if (!isDleError(thrown, 'DLE_LOCKED')) throw thrown;
    coverage.count('second open refused');
  }

  async #verify(): Promise<void> {
    const { store, patience, faults, compactions } = this.#parts;
    if (compactions.pending.size > 0) this.#world.coverage.count('verified while compacting');
    try {
      await verifyStore(this.#world, patience, store);
    } catch (thrown) {
      // It flushes first, and that may be what fails.
      if (!faults.mayPoison || !isDleError(thrown, 'DLE_STORAGE_POISONED')) throw thrown;
    }
  }

  #change(): Change {
    return this.#world.workload.change(() => this.#disguise());
  }

  /** What lies in a file of the store: a value may look like anything. */
  #disguise(): Uint8Array | undefined {
    const { vfs, dice } = this.#world;
    const { paths } = vfs;
    if (paths.length === 0) return undefined;
    const content = vfs.contentOf(dice.pick(paths));
    const from = dice.below(content.length + 1);
    return content.slice(from, from + dice.below(DISGUISE_BYTES));
  }
}
