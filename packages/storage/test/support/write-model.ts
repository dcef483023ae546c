import { expect } from 'vitest';
import type { LogStore } from '../../src/index.js';
import { changesOf } from './writes.mjs';

/** What the writes of `writes.mjs`, up to where a log ends, have made. */
export class WriteModel {
  readonly #values = new Map<string, string>();
  /** The writes that it has. */
  #known = 0;

  /**
   * All that was acknowledged is in `store`, and of what came behind it a part without holes.
   * Stores come in the order of their life.
   */
  check(store: LogStore, acknowledged: number): void {
    const { lastIndex } = store.stats();
    expect(lastIndex).toBeGreaterThanOrEqual(acknowledged);
    expect(lastIndex).toBeGreaterThanOrEqual(this.#known);
    while (this.#known < lastIndex) this.#apply(++this.#known);
    const found = new Map<string, string>();
    const snapshot = store.snapshotKeys();
    for (let pairs = snapshot.next(1e6); pairs.length > 0; pairs = snapshot.next(1e6)) {
      for (const { key, value } of pairs) found.set(textOf(key), textOf(value));
    }
    snapshot.close();
    expect(sorted(found)).toEqual(sorted(this.#values));
    for (const [key, value] of this.#values) expect(textOf(store.getSync(key)!)).toBe(value);
  }

  #apply(n: number): void {
    for (const change of changesOf(n)) {
      if (change.type === 'put') this.#values.set(change.key, change.value);
      else this.#values.delete(change.key);
    }
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const sorted = (map: ReadonlyMap<string, string>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
