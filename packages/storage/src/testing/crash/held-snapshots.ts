import type { LogStore } from '../../store/log-store.js';
import type { Pair } from '../../store/types.js';
import { Broken } from './crash-failure.js';
import { describeKey } from './model.js';
import type { Patience } from './patience.js';
import type { World } from './world.js';

const MOST_SNAPSHOTS = 3;

/** A reader of all pairs as they were when it was made. */
interface Reader {
  readonly what: string;
  /** The next pairs; none at the end. */
  next(): Pair[] | Promise<Pair[]>;
  close(): void | Promise<void>;
}

interface HeldSnapshot extends Reader {
  /** It shows what some number of writes between these has left. */
  readonly from: number;
  readonly to: number;
  readonly found: Map<string, Uint8Array>;
}

/** Snapshots that are read a page at a time, while anything happens between two. */
export class HeldSnapshots {
  readonly #world: World;
  readonly #store: LogStore;
  readonly #patience: Patience;
  #held: HeldSnapshot[] = [];

  constructor(world: World, store: LogStore, patience: Patience) {
    this.#world = world;
    this.#store = store;
    this.#patience = patience;
  }

  get size(): number {
    return this.#held.length;
  }

  async take(): Promise<void> {
    const { model, history } = this.#world;
    const [from, to] = [model.kept, model.count];
    const reader = this.#take();
    history.add(`hold ${reader.what}`);
    this.#held.push({ ...reader, from, to, found: new Map() });
    if (this.#held.length > MOST_SNAPSHOTS) await this.release();
  }

  /** Reads a page of one. */
  async read(): Promise<void> {
    if (this.#held.length > 0) await this.#readPage(this.#world.dice.pick(this.#held));
  }

  /** Reads the oldest to its end, and closes it. */
  async release(): Promise<void> {
    const held = this.#held.shift();
    if (held === undefined) return;
    while (await this.#readPage(held));
    await this.#wait(held.close(), held.what);
    const { model, history, coverage } = this.#world;
    if (model.find(held.found, held.from, held.to) === undefined) {
      const range = `after ${held.from} to ${held.to} writes`;
      throw new Broken(`${held.what}, taken ${range}: ${model.explain(held.found)}`);
    }
    history.add(`${held.what} read to its end, ${held.found.size} keys`);
    coverage.count('snapshot held through compactions');
  }

  async releaseAll(): Promise<void> {
    while (this.#held.length > 0) await this.release();
  }

  /** Snapshots that nobody closes: the store is to do without. */
  checkCount(): void {
    const explicit = this.#held.filter(({ what }) => what === 'a snapshot').length;
    const { count } = this.#store.stats().snapshots;
    if (count !== explicit)
      throw new Broken(`stats: ${count} snapshots, and there are ${explicit}`);
  }

  #take(): Reader {
    const choice = this.#world.dice.below(4);
    if (choice === 0) return this.#takeKeys();
    if (choice === 1) return this.#takeSnapshot();
    return this.#takeIterator(choice === 2);
  }

  #takeKeys(): Reader {
    const snapshot = this.#store.snapshotKeys();
    return {
      what: 'a snapshot of positions',
      next: () => snapshot.next(this.#world.dice.magnitude(4_000)),
      close: () => snapshot.close(),
    };
  }

  /** Read key by key, and then as a whole. */
  #takeSnapshot(): Reader {
    const { workload, dice } = this.#world;
    const snapshot = this.#store.snapshot();
    let next = 0;
    const read = (key: string): Pair[] => {
      const bytes = workload.bytesOf(key);
      const value = this.#store.getSync(bytes, { snapshot });
      return value === undefined ? [] : [{ key: bytes, value }];
    };
    return {
      what: 'a snapshot',
      next: async () => {
        while (next < workload.keys.length) {
          const end = next + dice.magnitude(20);
          const pairs = workload.keys.slice(next, end).flatMap(read);
          next = end;
          if (pairs.length > 0) return pairs;
        }
        if (next === Number.POSITIVE_INFINITY) return [];
        next = Number.POSITIVE_INFINITY;
        const pairs = await this.#store.iterator({ snapshot }).all();
        return pairs.map(([key, value]) => ({ key, value }));
      },
      close: () => snapshot.close(),
    };
  }

  #takeIterator(reverse: boolean): Reader {
    const iterator = this.#store.iterator({ reverse });
    let last: Buffer | undefined;
    return {
      what: reverse ? 'an iterator, backwards' : 'an iterator',
      next: async () => {
        const pairs = await iterator.nextv(this.#world.dice.magnitude(30));
        for (const [key] of pairs) {
          const order = last === undefined ? 1 : Buffer.compare(key, last);
          if (order === 0 || order > 0 === (reverse && last !== undefined)) {
            const name = describeKey(Buffer.from(key).toString('latin1'));
            throw new Broken(`an iterator gives ${name} out of order`);
          }
          last = Buffer.from(key);
        }
        return pairs.map(([key, value]) => ({ key, value }));
      },
      close: () => iterator.close(),
    };
  }

  async #readPage(held: HeldSnapshot): Promise<boolean> {
    const pairs = await this.#wait(held.next(), held.what);
    for (const { key, value } of pairs) {
      const name = Buffer.from(key).toString('latin1');
      const before = held.found.get(name);
      if (before !== undefined && Buffer.compare(before, value) !== 0) {
        throw new Broken(`${held.what} gives two values of ${describeKey(name)}`);
      }
      held.found.set(name, Uint8Array.from(value));
    }
    return pairs.length > 0;
  }

  async #wait<T>(result: T | Promise<T>, what: string): Promise<T> {
    return result instanceof Promise ? this.#patience.outcomeOf(result, what) : result;
  }
}
