import { compareBytes } from '@dle/common';
import type { KeyRange, LogStore } from '../../src/index.js';

export type Pair = readonly [key: Uint8Array, value: Uint8Array];

/** What ordered reads should say, in the dumbest way there is. */
export class SortedModel {
  readonly #values: Map<string, Uint8Array>;

  constructor(values: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#values = new Map(values);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#values.set(Buffer.from(key).toString('hex'), value);
  }

  delete(key: Uint8Array): void {
    this.#values.delete(Buffer.from(key).toString('hex'));
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(Buffer.from(key).toString('hex'));
  }

  copy(): SortedModel {
    return new SortedModel(this.#values);
  }

  get size(): number {
    return this.#values.size;
  }

  pairs({ gt, gte, lt, lte, reverse = false, limit = -1 }: KeyRange = {}): Pair[] {
    const bytes = (key: Uint8Array | string) => Buffer.from(key);
    let pairs: Pair[] = [...this.#values].map(([key, value]) => [Buffer.from(key, 'hex'), value]);
    pairs.sort(([a], [b]) => compareBytes(a, b));
    if (gt !== undefined && gte === undefined)
      pairs = pairs.filter(([key]) => compareBytes(key, bytes(gt)) > 0);
    if (gte !== undefined) pairs = pairs.filter(([key]) => compareBytes(key, bytes(gte)) >= 0);
    if (lt !== undefined && lte === undefined)
      pairs = pairs.filter(([key]) => compareBytes(key, bytes(lt)) < 0);
    if (lte !== undefined) pairs = pairs.filter(([key]) => compareBytes(key, bytes(lte)) <= 0);
    if (reverse) pairs.reverse();
    return limit < 0 ? pairs : pairs.slice(0, limit);
  }
}

/** Pairs as text, to be compared and to be read where they differ. */
export function shown(pairs: readonly Pair[]): string[] {
  return pairs.map(([key, value]) => {
    return `${Buffer.from(key).toString('hex')}=${Buffer.from(value).toString('hex')}`;
  });
}

/** Does to the store what is done to the model. */
export async function change(
  store: LogStore,
  model: SortedModel,
  operations: readonly { readonly key: Uint8Array; readonly value: Uint8Array | undefined }[],
): Promise<void> {
  for (const { key, value } of operations) {
    if (value === undefined) model.delete(key);
    else model.put(key, value);
  }
  await store.batch(
    operations.map(({ key, value }) =>
      value === undefined ? { type: 'del', key } : { type: 'put', key, value },
    ),
  );
}
