import type { KeySnapshot } from '../../store/types.js';
import { Broken } from './crash-failure.js';
import type { State } from './model.js';
import type { World } from './world.js';

const MOST_SNAPSHOTS = 3;

interface HeldSnapshot {
  readonly snapshot: KeySnapshot;
  /** It shows what some number of writes between these has left. */
  readonly from: number;
  readonly to: number;
  readonly found: Map<string, Uint8Array>;
}

/** Snapshots that are read a page at a time, while anything happens between two. */
export class HeldSnapshots {
  readonly #world: World;
  #held: HeldSnapshot[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get size(): number {
    return this.#held.length;
  }

  take(snapshot: KeySnapshot): void {
    const { model, history } = this.#world;
    history.add(`hold a snapshot of ${snapshot.size} keys`);
    const [from, to] = [model.kept, model.count];
    this.#held.push({ snapshot, from, to, found: new Map() });
    if (this.#held.length > MOST_SNAPSHOTS) this.release();
  }

  /** Reads a page of one. */
  read(): void {
    if (this.#held.length > 0) this.#readPage(this.#world.dice.pick(this.#held));
  }

  /** Reads the oldest to its end, and closes it. */
  release(): void {
    const held = this.#held.shift();
    if (held === undefined) return;
    while (this.#readPage(held));
    held.snapshot.close();
    const { model, history, coverage } = this.#world;
    if (model.find(held.found as State, held.from, held.to) === undefined) {
      const range = `${held.from} to ${held.to} writes`;
      throw new Broken(`a snapshot held after ${range}: ${model.explain(held.found)}`);
    }
    history.add(`snapshot read that was held, ${held.found.size} keys`);
    coverage.count('snapshot held through compactions');
  }

  releaseAll(): void {
    while (this.#held.length > 0) this.release();
  }

  #readPage({ snapshot, found }: HeldSnapshot): boolean {
    const pairs = snapshot.next(this.#world.dice.magnitude(4_000));
    for (const { key, value } of pairs) found.set(Buffer.from(key).toString('latin1'), value);
    return pairs.length > 0;
  }
}
