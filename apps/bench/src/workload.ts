import { type Random, randomBelow, SeededRandom, toBytes } from '@dle/common';

/** Every run does the same operations on the same bytes. */
const SEED = 1;
export const KEY_BYTES = 16;
export const VALUE_BYTES = 100;
/** So many that no cache of a value helps, so few that the bench itself hardly takes memory. */
export const DIFFERENT_VALUES = 1_024;

/** Keys `key-000000000000` and up, each of 16 bytes, and random values of 100 bytes. */
export class Records {
  readonly count: number;
  readonly #keys: readonly Uint8Array[];
  readonly #values: readonly Uint8Array[];

  constructor(random: Random, count: number) {
    this.count = count;
    this.#keys = Array.from({ length: count }, (_, at) => keyBytes(at));
    this.#values = drawValues(random);
  }

  key(at: number): Uint8Array {
    return this.#keys[at]!;
  }

  /** The value that record `at` has at first; it is overwritten with those of others. */
  value(at: number): Uint8Array {
    return this.#values[at % DIFFERENT_VALUES]!;
  }
}

/** The key of record `at`, for those that take strings. */
export function keyText(at: number): string {
  return `key-${String(at).padStart(KEY_BYTES - 4, '0')}`;
}

function keyBytes(at: number): Uint8Array {
  return toBytes(keyText(at));
}

/** `DIFFERENT_VALUES` values; record `at` has the one at `at % DIFFERENT_VALUES` at first. */
export function drawValues(random: Random): Uint8Array[] {
  return Array.from({ length: DIFFERENT_VALUES }, () => valueBytes(random));
}

function valueBytes(random: Random): Uint8Array {
  return Uint8Array.from({ length: VALUE_BYTES }, () => randomBelow(random, 256));
}

export interface OperationsShape {
  readonly count: number;
  /** How many records there are to choose from. */
  readonly records: number;
  /** `sequential` begins again at the first record after the last. */
  readonly order: 'sequential' | 'uniform';
  /** Per cent. */
  readonly writes: number;
}

/** What is done, in order: drawn beforehand, so that drawing costs nothing while the clock runs. */
export class Operations {
  readonly count: number;
  readonly #records: Uint32Array;
  readonly #writes: Uint8Array;

  constructor(random: Random, { count, records, order, writes }: OperationsShape) {
    this.count = count;
    const uniform = order === 'uniform';
    this.#records = Uint32Array.from({ length: count }, (_, at) =>
      uniform ? randomBelow(random, records) : at % records,
    );
    this.#writes = Uint8Array.from({ length: count }, () =>
      randomBelow(random, 100) < writes ? 1 : 0,
    );
  }

  /** The record that operation `at` reads or writes. */
  record(at: number): number {
    return this.#records[at]!;
  }

  isWrite(at: number): boolean {
    return this.#writes[at] === 1;
  }
}

/** What the titles of all reports say of the data. */
export function recordsInWords(count: number): string {
  const sizes = `keys of ${KEY_BYTES} and values of ${VALUE_BYTES} bytes`;
  return `${count.toLocaleString('en-US')} records, ${sizes}, seed ${SEED}`;
}

export function seededRandom(): Random {
  return new SeededRandom(SEED);
}
