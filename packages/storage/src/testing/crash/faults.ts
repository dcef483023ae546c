import { directoryName } from '../../directory/directory-format.js';
import type { MemFaults } from '../mem-vfs.js';
import { DIRECTORY, type World } from './world.js';

/** By which compaction makes something: the operation before, and the one in which it is to end. */
const COMPACTION_STEPS = [
  [1, /; create .*sorted$/],
  [1, /; write .*sorted$/],
  [1, /; flush .*sorted$/],
  [1, /; write .*\.directory$/],
  [1, /; flush .*\.directory$/],
  [1, /(?:sorted|directory); flush \/store$/],
  [1, /; create .*manifest/],
  [1, /; write .*manifest/],
  [1, /; flush .*manifest/],
  [1, /; rename .*manifest/],
  [6, /rename .*manifest/],
  [1, /; unlink .*segment$/],
  [1, /; unlink .*sorted$/],
  [1, /; unlink .*directory$/],
  [2, /unlink .*; /],
] as const;

/** By which a start removes what is not needed any more. */
const TIDYING_STEPS = [
  [1, /; unlink /],
  [2, /unlink .*; /],
  [1, /; flush \/store$/],
] as const;

/** By which a backup makes something count, or go. */
const BACKUP_STEPS = [
  [1, /; (?:create|write|flush|rename) \/backup\/backup\.unfinished/],
  [2, /; link /],
  [1, /; create \/backup\/.*(?:segment|sorted)$/],
  [1, /; write \/backup\/.*(?:segment|sorted)$/],
  [1, /; flush \/backup\/.*(?:segment|sorted)$/],
  [1, /; unlink \/backup\/[^b]/],
  [2, /; flush \/backup$/],
  [2, /; .* \/backup\/manifest/],
  [2, /; unlink \/backup\/backup/],
  [2, /unlink \/backup\/backup.*; /],
] as const;

/** By which a restore does. */
const RESTORE_STEPS = [
  [1, /; (?:create|write|flush|rename) \/restored\/restore\.unfinished/],
  [1, /; create \/restored\//],
  [1, /; write \/restored\//],
  [1, /; flush \/restored\//],
  [1, /; flush \/restored$/],
  [1, /; .* \/restored\/manifest/],
  [1, /; unlink \/restored\/restore/],
  [1, /unlink \/restored\/restore.*; /],
] as const;

const LOG_FILE = new RegExp(` ${DIRECTORY}/[0-9a-f]+\\.segment$`);

/** What is planned to go wrong, and so excuses an error. */
export class Faults {
  /** Whether an I/O error may show. */
  ioError = false;
  /** Whether the disk may be full. */
  full: boolean;
  readonly #world: World;
  /** Nothing is to go wrong. */
  readonly #quiet: boolean;

  constructor(world: World, quiet: boolean) {
    this.#world = world;
    this.#quiet = quiet;
    this.full = this.isLimited;
  }

  /**
   * Whether a write or a flush of the log itself may have failed: what else fails, such as those of
   * compaction, ends nothing.
   */
  get mayPoison(): boolean {
    return this.#world.vfs.failures.some((what) => LOG_FILE.test(what) || what.endsWith(DIRECTORY));
  }

  get isLimited(): boolean {
    return this.#world.vfs.capacityBytes !== Number.POSITIVE_INFINITY;
  }

  /**
   * `percent` times of a hundred, the machine crashes or the process is killed in one of the next
   * `mostOperations`.
   */
  planEnd(percent: number, mostOperations: number): void {
    const { dice } = this.#world;
    if (!dice.chance(percent)) return;
    const at = dice.chance(50) ? dice.between(1, mostOperations) : dice.magnitude(mostOperations);
    this.#plan(dice.chance(70) ? { crashAtOperation: at } : { killAtOperation: at });
  }

  /** As `planEnd`, in one of the steps by which compaction makes something count, or go. */
  planEndInStep(percent: number): void {
    this.#planEndIn(percent, COMPACTION_STEPS);
  }

  planEndInTidying(percent: number): void {
    this.#planEndIn(percent, TIDYING_STEPS);
  }

  planEndInBackup(percent: number): void {
    this.#planEndIn(percent, BACKUP_STEPS);
  }

  planEndInRestore(percent: number): void {
    this.#planEndIn(percent, RESTORE_STEPS);
  }

  #planEndIn(percent: number, steps: readonly (readonly [number, RegExp])[]): void {
    const { dice, history } = this.#world;
    if (!dice.chance(percent)) return;
    const step = dice.weighted(steps);
    const at = dice.magnitude(4);
    const counts = (operation: string, previous = ''): boolean =>
      step.test(`${previous}; ${operation}`);
    history.add(`to end in ${step}`);
    this.#plan({
      ...(dice.chance(50) ? { crashAtOperation: at } : { killAtOperation: at }),
      counts,
    });
  }

  /** The key directory of `segment` cannot be made in this life. */
  refuseDirectory(segment: number): void {
    if (this.#quiet) return;
    const { vfs, history } = this.#world;
    const name = directoryName(segment);
    vfs.unwritable = (path) => path.includes(name);
    this.ioError = true;
    history.add(`${name} cannot be written`);
  }

  /** The power fails now. */
  crash(): void {
    if (this.#quiet) return;
    this.#world.history.add('the machine crashes here');
    this.#world.vfs.crash();
  }

  planCrash(atOperation: number): void {
    this.#plan({ crashAtOperation: atOperation });
  }

  planKill(atOperation: number): void {
    this.#plan({ killAtOperation: atOperation });
  }

  planFlushError(mostCalls: number): void {
    this.planFailure('failFlush', this.#world.dice.magnitude(mostCalls));
  }

  planWriteError(mostCalls: number): void {
    this.planFailure('failWrite', this.#world.dice.magnitude(mostCalls));
  }

  planFailure(fault: 'failFlush' | 'failWrite', atCall: number): void {
    if (this.#quiet) return;
    this.ioError = true;
    this.#plan({ [fault]: atCall });
  }

  planNothing(): void {
    this.#world.vfs.plan({});
  }

  /** Leaves a little room, or none. */
  fill(): void {
    const { dice } = this.#world;
    this.limit(dice.pick([0, dice.below(2_000), dice.below(20_000)]));
  }

  limit(room: number): void {
    if (this.#quiet) return;
    const { vfs, history } = this.#world;
    vfs.capacityBytes = vfs.usedBytes + room;
    this.full = true;
    history.add(`the disk has room for ${room} bytes`);
  }

  makeRoom(): void {
    if (!this.isLimited) return;
    this.#world.vfs.capacityBytes = Number.POSITIVE_INFINITY;
    this.#world.history.add('the disk has room again');
  }

  #plan(faults: MemFaults): void {
    if (this.#quiet) return;
    this.#world.vfs.plan(faults);
    this.#world.history.add(`planned: ${JSON.stringify(faults)}`);
  }
}
