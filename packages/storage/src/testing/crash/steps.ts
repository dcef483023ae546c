import { isDleError } from '@dle/common';
import { LogStore } from '../../store/log-store.js';
import { verifyStore } from './check-files.js';
import { Broken } from './crash-failure.js';
import type { Faults } from './faults.js';
import type { LifeOptions } from './life-options.js';
import type { Change } from './model.js';
import type { Patience } from './patience.js';
import type { Reads } from './reads.js';
import { compareAll, readSnapshot } from './whole-reads.js';
import { DIRECTORY, type World } from './world.js';
import type { Writes } from './writes.js';

const MOST_IN_BURST = 8;
const MOST_IN_BATCH = 12;
const MOST_FLOODED_BYTES = 16_384;
const DISGUISE_BYTES = 2_000;

export interface StepParts {
  readonly store: LogStore;
  readonly writes: Writes;
  readonly reads: Reads;
  readonly faults: Faults;
  readonly patience: Patience;
  readonly options: LifeOptions;
}

/** What may happen to an open store, one thing after the other. */
export class Steps {
  readonly #world: World;
  readonly #parts: StepParts;
  readonly #choices: readonly (readonly [number, () => void | Promise<void>])[];

  constructor(world: World, parts: StepParts) {
    this.#world = world;
    this.#parts = parts;
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
    ];
  }

  async step(): Promise<void> {
    await this.#world.dice.weighted(this.#choices)();
    this.#parts.patience.checkAlive();
    this.#parts.writes.check();
    this.#parts.reads.check();
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

  async #passTime(): Promise<void> {
    const { dice, time, history } = this.#world;
    const ms = dice.magnitude(2 * this.#parts.options.store.idleFlushMs);
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
    const { store, patience, faults } = this.#parts;
    try {
      await verifyStore(this.#world, patience, store);
    } catch (thrown) {
      // It flushes first, and that may be what fails.
      if (!faults.ioError || !isDleError(thrown, 'DLE_STORAGE_POISONED')) throw thrown;
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
