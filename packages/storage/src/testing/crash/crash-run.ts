import type { Vfs } from '../../vfs/vfs.js';
import { MemVfs } from '../mem-vfs.js';
import { BackupOnDisk } from './backups.js';
import { checkFiles } from './check-files.js';
import { Coverage, type CrashEvent } from './coverage.js';
import { CrashFailure } from './crash-failure.js';
import { Dice } from './dice.js';
import { History } from './history.js';
import { Life, type LifeEnd, type LifePlan } from './life.js';
import { Model } from './model.js';
import { repairDamaged } from './repairs.js';
import { damageDirectories } from './vandal.js';
import { Versions } from './versions.js';
import { slowClock, VirtualTime } from './virtual-time.js';
import { Workload } from './workload.js';
import type { World } from './world.js';

const MOST_LIVES = 8;
/** Opening a store of a hundred segments takes more; so long are few runs. */
const LONGEST_SIEGE = 150;
const LONGEST_COMPACTION = 50;

export interface CrashRunOptions {
  /** Told of each step, when it happens. */
  readonly trace?: ((line: string) => void) | undefined;
  /** The disk as the store is to see it: for a test of the test. */
  readonly disguise?: (vfs: MemVfs) => Vfs;
}

export interface CrashRunResult {
  /** The same for the same history. */
  readonly hash: string;
  readonly steps: number;
  /** I/O operations of the store. */
  readonly operations: number;
  readonly coverage: Coverage;
}

/**
 * Lets one store live and end, again and again, as `seed` has it. Throws `CrashFailure` where it
 * breaks a promise: it holds what some number of its writes has left, in the order in which they
 * were called, each whole, and no fewer than were acknowledged.
 */
export async function runCrashes(
  seed: number,
  options: CrashRunOptions = {},
): Promise<CrashRunResult> {
  const history = new History(options.trace);
  try {
    const run = new CrashRun(makeWorld(seed, history, options));
    return await run.run();
  } catch (thrown) {
    throw new CrashFailure(seed, history.lines, thrown);
  }
}

function makeWorld(seed: number, history: History, options: CrashRunOptions): World {
  const dice = new Dice(seed, 0);
  const diskDice = new Dice(seed, 1);
  const time = new VirtualTime();
  const clock = slowClock(time, diskDice, dice.pick([0, 0, 2, 6]));
  const vfs = new MemVfs({ random: diskDice.random, clock });
  // Backups go to another disk.
  if (dice.chance(30)) vfs.link = async () => false;
  return {
    dice,
    time,
    vfs,
    history,
    disk: options.disguise?.(vfs) ?? vfs,
    storeRandom: new Dice(seed, 2).random,
    model: new Model(),
    workload: new Workload(dice),
    coverage: new Coverage(),
    versions: new Versions(),
    backup: new BackupOnDisk(),
    restored: [],
    remains: [],
  };
}

class CrashRun {
  readonly #world: World;
  #exists = false;
  #opening: CrashEvent = 'opened for the first time';

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<CrashRunResult> {
    const { dice, vfs, workload, history, coverage } = this.#world;
    for (let left = dice.magnitude(MOST_LIVES); left > 0; left--) {
      if (dice.chance(3)) await this.#besiege();
      if (workload.compacts === 'by hand' && dice.chance(5)) await this.#besiegeCompaction();
      await this.#live({});
    }
    vfs.capacityBytes = Number.POSITIVE_INFINITY;
    history.add('nothing goes wrong any more');
    for (let left = 2; left > 0; left--) {
      await new Life(this.#world, { ...this.#plan, quiet: true }).live();
      this.#exists = true;
      this.#opening = 'opened after a clean close';
    }
    checkFiles(this.#world);
    const { hash, lines } = history;
    return { hash, steps: lines.length, operations: vfs.operations, coverage };
  }

  get #plan(): LifePlan {
    return {
      quiet: false,
      exists: this.#exists,
      opening: this.#opening,
      crashAtOperation: undefined,
      endsInCompactionAt: undefined,
    };
  }

  /** The machine crashes in each operation of opening the store, one after the other. */
  async #besiege(): Promise<void> {
    const { coverage, history } = this.#world;
    history.add('the machine is to crash in each operation of recovery');
    for (let operation = 1; operation <= LONGEST_SIEGE; operation++) {
      const life = await this.#live({ crashAtOperation: operation });
      if (!life.opened) continue;
      coverage.count('crashes in each operation of an opening');
      return;
    }
  }

  /** The process, or the machine, ends in each operation of compacting the store. */
  async #besiegeCompaction(): Promise<void> {
    const { coverage, dice } = this.#world;
    const stride = dice.between(1, 8);
    for (let at = dice.between(1, stride); at <= LONGEST_COMPACTION * stride; at += stride) {
      const life = await this.#live({ endsInCompactionAt: at });
      if (!life.compacted) continue;
      coverage.count('crashes in each operation of a compaction');
      return;
    }
  }

  async #live(plan: Partial<LifePlan>): Promise<Life> {
    const life = new Life(this.#world, { ...this.#plan, ...plan });
    const end = await life.live();
    this.#exists ||= life.opened;
    const { dice, vfs } = this.#world;
    const isWhole = end === 'closed' && vfs.capacityBytes === Number.POSITIVE_INFINITY;
    if (isWhole && dice.chance(12)) await repairDamaged(this.#world);
    await this.#startAgain(end);
    if (dice.chance(15)) damageDirectories(this.#world);
    if (dice.chance(50)) vfs.capacityBytes = Number.POSITIVE_INFINITY;
    return life;
  }

  /** What happens between two lives: nothing, or the end of the process or of the machine. */
  async #startAgain(last: LifeEnd): Promise<void> {
    const { dice, vfs, time, model, history, coverage } = this.#world;
    const killed = vfs.end?.kind === 'kill';
    if (killed ? dice.chance(15) : !vfs.down && dice.chance(30)) vfs.crash();
    else if (!vfs.down && dice.chance(30)) vfs.kill();
    this.#opening = this.#openingAfter(last);
    if (vfs.end === undefined) return;
    const { end } = vfs;
    const { kind, operation } = end;
    const what = kind === 'crash' ? 'the machine has crashed' : 'the process was killed';
    history.add(`${what}${operation === undefined ? '' : ` in ${operation}`}`);
    coverage.countEnd(end);
    if (kind === 'crash') model.crashed();
    // What is left of the process comes to nothing, and nothing comes of it.
    time.forget();
    await time.turn();
    vfs.restart();
  }

  #openingAfter(last: LifeEnd): CrashEvent {
    if (!this.#exists) return 'opened for the first time';
    const { end } = this.#world.vfs;
    if (end?.kind === 'crash') return 'opened after a crash';
    if (end?.kind === 'kill') return 'opened after a kill';
    if (last === 'not opened') return this.#opening;
    if (last === 'closed') return 'opened after a clean close';
    return 'opened after the close of a poisoned store';
  }
}
