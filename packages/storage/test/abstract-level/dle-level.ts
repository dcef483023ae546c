import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  AbstractIterator,
  AbstractKeyIterator,
  AbstractLevel,
  AbstractSnapshot,
  AbstractValueIterator,
} from 'abstract-level';
import { LogStore, type Snapshot, type StoreIterator } from '../../src/index.js';

/** What abstract-level passes on: bytes, for it is told that bytes is what the store takes. */
interface LevelOptions {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
  readonly keys?: boolean;
  readonly values?: boolean;
  readonly signal?: AbortSignal;
  readonly snapshot?: LevelSnapshot;
  readonly createIfMissing?: boolean;
  readonly errorIfExists?: boolean;
}

type Operation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** All that there is to be tested. */
const MANIFEST = {
  encodings: { view: true },
  has: true,
  getSync: true,
  seek: true,
  implicitSnapshots: true,
  explicitSnapshots: true,
  permanence: true,
  createIfMissing: true,
  errorIfExists: true,
  signals: { iterators: true },
};

/** A `LogStore` as an abstract-level database. */
export class DleLevel extends AbstractLevel<Uint8Array> {
  readonly location: string;
  #store: LogStore | undefined;

  constructor(location: string, options?: object) {
    super(MANIFEST, options);
    this.location = location;
  }

  get store(): LogStore {
    return this.#store!;
  }

  async _open({ createIfMissing, errorIfExists }: LevelOptions): Promise<void> {
    const exists = existsSync(this.location) && readdirSync(this.location).length > 0;
    if (exists && errorIfExists === true) throw new Error(`${this.location} exists`);
    if (!exists && createIfMissing === false) throw new Error(`${this.location} does not exist`);
    this.#store = await LogStore.open(this.location, { segmentSize: 64 * 1024 });
  }

  async _close(): Promise<void> {
    await this.#store?.close();
  }

  async _get(key: Uint8Array, options: LevelOptions): Promise<Uint8Array | undefined> {
    return this.store.get(key, native(options));
  }

  _getSync(key: Uint8Array, options: LevelOptions): Uint8Array | undefined {
    return this.store.getSync(key, native(options));
  }

  async _getMany(
    keys: readonly Uint8Array[],
    options: LevelOptions,
  ): Promise<(Uint8Array | undefined)[]> {
    return this.store.getMany(keys, native(options));
  }

  async _has(key: Uint8Array, options: LevelOptions): Promise<boolean> {
    return this.store.has(key, native(options));
  }

  async _hasMany(keys: readonly Uint8Array[], options: LevelOptions): Promise<boolean[]> {
    return keys.map((key) => this.store.has(key, native(options)));
  }

  async _put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.store.put(key, value);
  }

  async _del(key: Uint8Array): Promise<void> {
    await this.store.del(key);
  }

  async _batch(operations: readonly Operation[]): Promise<void> {
    await this.store.batch(operations);
  }

  async _clear(options: LevelOptions): Promise<void> {
    await this.store.clear(native(options));
  }

  _iterator(options: LevelOptions): AbstractIterator<this, unknown, unknown> {
    return new LevelIterator(this, options) as never;
  }

  _keys(options: LevelOptions): AbstractKeyIterator<this, unknown> {
    return new LevelKeyIterator(this, options) as never;
  }

  _values(options: LevelOptions): AbstractValueIterator<this, unknown, unknown> {
    return new LevelValueIterator(this, options) as never;
  }

  _snapshot(options: object): LevelSnapshot {
    return new LevelSnapshot(this, options);
  }
}

/** Its types know nothing of what its constructor is given. */
const SnapshotBase = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot;

class LevelSnapshot extends SnapshotBase {
  readonly snapshot: Snapshot;

  constructor(db: DleLevel, options: object) {
    super(options);
    this.snapshot = db.store.snapshot();
  }

  async _close(): Promise<void> {
    this.snapshot.close();
  }
}

/** The same options with the snapshot of the store itself. */
function native({ snapshot, ...options }: LevelOptions) {
  return { ...options, snapshot: snapshot?.snapshot };
}

/** abstract-level has an error of its own for what its signal has ended. */
async function throwingAborts<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== 'AbortError') throw thrown;
    const error = new Error('Operation has been aborted', { cause: thrown });
    throw Object.assign(error, { name: 'AbortError', code: 'LEVEL_ABORTED' });
  }
}

class LevelIterator extends AbstractIterator<DleLevel, Uint8Array, Uint8Array> {
  readonly #iterator: StoreIterator<[Uint8Array, Uint8Array]>;

  constructor(db: DleLevel, options: LevelOptions) {
    super(db, options as never);
    this.#iterator = db.store.iterator(native(options));
  }

  async _next(): Promise<[Uint8Array, Uint8Array] | undefined> {
    return (await throwingAborts(this.#iterator.next())).value;
  }

  async _nextv(size: number): Promise<[Uint8Array, Uint8Array][]> {
    return throwingAborts(this.#iterator.nextv(size));
  }

  _seek(target: Uint8Array): void {
    this.#iterator.seek(target);
  }

  async _close(): Promise<void> {
    await this.#iterator.close();
  }
}

class LevelKeyIterator extends AbstractKeyIterator<DleLevel, Uint8Array> {
  readonly #iterator: StoreIterator<Uint8Array>;

  constructor(db: DleLevel, options: LevelOptions) {
    super(db, options as never);
    this.#iterator = db.store.keys(native(options));
  }

  async _next(): Promise<Uint8Array | undefined> {
    return (await throwingAborts(this.#iterator.next())).value;
  }

  async _nextv(size: number): Promise<Uint8Array[]> {
    return throwingAborts(this.#iterator.nextv(size));
  }

  _seek(target: Uint8Array): void {
    this.#iterator.seek(target);
  }

  async _close(): Promise<void> {
    await this.#iterator.close();
  }
}

class LevelValueIterator extends AbstractValueIterator<DleLevel, Uint8Array, Uint8Array> {
  readonly #iterator: StoreIterator<Uint8Array>;

  constructor(db: DleLevel, options: LevelOptions) {
    super(db, options as never);
    this.#iterator = db.store.values(native(options));
  }

  async _next(): Promise<Uint8Array | undefined> {
    return (await throwingAborts(this.#iterator.next())).value;
  }

  async _nextv(size: number): Promise<Uint8Array[]> {
    return throwingAborts(this.#iterator.nextv(size));
  }

  _seek(target: Uint8Array): void {
    this.#iterator.seek(target);
  }

  async _close(): Promise<void> {
    await this.#iterator.close();
  }
}

let stores = 0;

/** A directory that nothing is in yet. */
export function freshLocation(directory: string): string {
  return join(directory, `${++stores}`);
}
