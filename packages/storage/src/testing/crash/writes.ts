import { type DleError, isDleError } from '@dle/common';
import type { LogStore } from '../../store/log-store.js';
import type { Durability } from '../../store/types.js';
import { Broken } from './crash-failure.js';
import type { Faults } from './faults.js';
import { type Change, describeKey } from './model.js';
import type { World } from './world.js';

const MOST_DESCRIBED = 20;

/** The writes of one life of the store, some of them under way, and what has become of them. */
export class Writes {
  /** Under way. */
  readonly pending: Map<number, Promise<void>> = new Map();
  /** Set when the store is being closed: writes are refused then. */
  closing = false;
  readonly #world: World;
  readonly #store: LogStore;
  readonly #faults: Faults;
  readonly #default: Durability;
  /** What the run has found out where nobody waited. */
  #broken: Broken | undefined;

  constructor(world: World, store: LogStore, faults: Faults, durability: Durability) {
    this.#world = world;
    this.#store = store;
    this.#faults = faults;
    this.#default = durability;
  }

  put(change: Change, durability: Durability | undefined): void {
    const { workload, coverage } = this.#world;
    const key = workload.bytesOf(change.key);
    const options = durability === undefined ? undefined : { durability };
    if (change.value === undefined) {
      coverage.count('delete');
      this.#track([change], durability, this.#store.del(key, options));
    } else {
      coverage.count('put');
      this.#track([change], durability, this.#store.put(key, change.value, options));
    }
  }

  batch(changes: readonly Change[], durability: Durability | undefined): void {
    const { workload, coverage } = this.#world;
    coverage.count('batch');
    const operations = changes.map((change) => workload.operationOf(change));
    const options = durability === undefined ? undefined : { durability };
    this.#track(changes, durability, this.#store.batch(operations, options));
  }

  /** `cleared`: all `keys` go at once, as a batch would have them go. */
  clear(keys: readonly string[], cleared: Promise<void>, durability: Durability): void {
    this.#world.coverage.count('clear');
    const changes = keys.map((key) => ({ key, value: undefined }));
    this.#track(changes, durability, cleared);
  }

  /** Asks for a flush of what was written before; it need not be waited for. */
  flush(): Promise<void> {
    const { model, history, coverage, vfs } = this.#world;
    const covered = model.count;
    history.add(`flush of ${covered}`);
    return this.#store.flush().then(
      () => {
        if (vfs.down) return;
        history.add(`flushed ${covered}`);
        coverage.count('flush acknowledged');
        model.flushed(covered);
      },
      (thrown) => {
        if (vfs.down) return;
        coverage.count('flush failed');
        this.#judge(thrown, 'flush');
      },
    );
  }

  /** Throws what was found out where nobody waited. */
  check(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #track(
    changes: readonly Change[],
    durability: Durability | undefined,
    promise: Promise<void>,
  ): void {
    const { model, history, vfs, versions } = this.#world;
    const durable = (durability ?? this.#default) === 'flush';
    const count = model.add(changes, durable);
    for (const change of changes) versions.note(change);
    history.add(`write ${count}${durable ? '' : ', not durable'}: ${describe(changes)}`);
    const answered = promise.then(
      () => {
        // Nobody hears what a process says that is gone.
        if (!vfs.down) this.#acknowledged(count, durable);
      },
      (thrown) => {
        if (!vfs.down) this.#refused(count, thrown);
      },
    );
    this.pending.set(count, answered);
  }

  #acknowledged(count: number, durable: boolean): void {
    const { model, history, coverage } = this.#world;
    this.pending.delete(count);
    history.add(`write ${count} acknowledged`);
    if (durable) model.flushed(count);
    else model.seen(count);
    coverage.count(durable ? 'write acknowledged as durable' : 'write acknowledged, not durable');
  }

  #refused(count: number, thrown: unknown): void {
    const { model, history, coverage } = this.#world;
    this.pending.delete(count);
    const error = this.#judge(thrown, `write ${count}`);
    if (error === undefined) return;
    history.add(`write ${count} refused: ${error.code}, effect ${error.effect}`);
    if (error.effect === 'none') model.refuse(count);
    if (error.code === 'DLE_DISK_FULL') coverage.count('write refused, disk full');
    else if (error.code === 'DLE_CLOSED') coverage.count('write refused, closed');
    else if (error.code === 'DLE_IO') coverage.count('write refused, I/O error');
    else if (error.effect === 'none') coverage.count('write refused, poisoned');
    else coverage.count('write of unknown outcome, poisoned');
  }

  /** An error must be one that the faults of this life excuse. */
  #judge(thrown: unknown, what: string): DleError | undefined {
    const { full, ioError, mayPoison } = this.#faults;
    const excused =
      (isDleError(thrown, 'DLE_DISK_FULL') && full && thrown.effect === 'none') ||
      (isDleError(thrown, 'DLE_IO') && ioError && thrown.effect === 'none') ||
      (isDleError(thrown, 'DLE_STORAGE_POISONED') && mayPoison) ||
      (isDleError(thrown, 'DLE_CLOSED') && this.closing && thrown.effect === 'none');
    if (excused) return thrown as DleError;
    this.#broken ??= new Broken(`${what} failed without need: ${thrown}`, { cause: thrown });
    return undefined;
  }
}

function describe(changes: readonly Change[]): string {
  const more = changes.length - MOST_DESCRIBED;
  const rest = more > 0 ? `; and ${more} more` : '';
  const described = changes
    .slice(0, MOST_DESCRIBED)
    .map(({ key, value }) => {
      if (value === undefined) return `del ${describeKey(key)}`;
      const begin = Buffer.from(value.buffer, value.byteOffset, Math.min(6, value.length));
      const text = JSON.stringify(begin.toString('latin1'));
      return `put ${describeKey(key)} ${text} (${value.length} bytes)`;
    })
    .join('; ');
  return `${described}${rest}`;
}
