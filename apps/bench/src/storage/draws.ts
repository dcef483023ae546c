import { type Random, randomBelow } from '@dle/common';
import { DIFFERENT_VALUES, drawValues, KEY_BYTES, keyText, seededRandom } from '../workload.js';

/** As many different operations at most; then they begin again. */
const MAX_DRAWN = 1_000_000;
export const BATCH_PUTS = 1_000;
const MAX_BATCHES = 256;

export interface Put {
  readonly type: 'put';
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * What one process does, drawn from the seed before any clock runs, and the same in each. Byte keys
 * lie in memory in the order of their use, as those of a program that has just made them: else
 * fetching the key objects would take as long as the read itself.
 */
export class Draws {
  readonly keys: number;
  readonly values: readonly Buffer[] = drawValues(seededRandom()).map((value) =>
    Buffer.from(value),
  );
  readonly #records: Uint32Array;
  #byteKeys: Buffer[] | undefined;
  #drawnTextKeys: string[] | undefined;
  #textKeys: string[] | undefined;
  #batches: Put[][] | undefined;
  #next = 0;
  #nextBatch = 0;

  constructor(keys: number) {
    this.keys = keys;
    const random = seededRandom();
    const count = Math.min(MAX_DRAWN, keys);
    this.#records = Uint32Array.from({ length: count }, () => randomBelow(random, keys));
  }

  /** Which records are read, in order. */
  get records(): Uint32Array {
    return this.#records;
  }

  /** The keys of `records`, in their order. */
  get byteKeys(): readonly Buffer[] {
    this.#byteKeys ??= byteKeys(this.#records);
    return this.#byteKeys;
  }

  /** The same as strings. */
  get drawnTextKeys(): readonly string[] {
    this.#drawnTextKeys ??= Array.from(this.#records, keyText);
    return this.#drawnTextKeys;
  }

  /** The keys of all records, by their number. */
  get textKeys(): readonly string[] {
    this.#textKeys ??= Array.from({ length: this.keys }, (_, at) => keyText(at));
    return this.#textKeys;
  }

  /** Each of `BATCH_PUTS` puts of random keys. */
  get batches(): readonly (readonly Put[])[] {
    this.#batches ??= this.#drawBatches();
    return this.#batches;
  }

  /** Where the next `count` of the drawn operations begin; at most as many as there are. */
  take(count: number): number {
    if (this.#next + count > this.#records.length) this.#next = 0;
    const first = this.#next;
    this.#next += count;
    return first;
  }

  /** Which operations write, as many as there are `records`: 1, or 0 for those that read. */
  drawWrites(percent: number): Uint8Array {
    const random = seededRandom();
    const draw = () => (randomBelow(random, 100) < percent ? 1 : 0);
    return Uint8Array.from({ length: this.#records.length }, draw);
  }

  /** Which of `batches` is next; the first after the last. */
  takeBatch(): number {
    return this.#nextBatch++ % this.batches.length;
  }

  /** The value that record `at` has at first. */
  value(at: number): Buffer {
    return this.values[at % DIFFERENT_VALUES]!;
  }

  /** Puts of all records in the order of their keys, so many at a time: for filling. */
  *inOrder(batchPuts: number): Generator<Put[], void, void> {
    for (let first = 0; first < this.keys; first += batchPuts) {
      const length = Math.min(batchPuts, this.keys - first);
      yield this.#putsOf(Uint32Array.from({ length }, (_, at) => first + at));
    }
  }

  /** The same in no order at all. */
  *shuffled(batchPuts: number): Generator<Put[], void, void> {
    const records = shuffledRecords(this.keys, seededRandom());
    for (let first = 0; first < this.keys; first += batchPuts) {
      yield this.#putsOf(records.subarray(first, first + batchPuts));
    }
  }

  #putsOf(records: Uint32Array): Put[] {
    const keys = byteKeys(records);
    return keys.map((key, at) => ({ type: 'put', key, value: this.value(records[at]!) }));
  }

  /**
   * Throws unless `read` gives each record that will be read as it was filled. It also has the
   * system map the pages that they lie in, which takes far longer than a read.
   */
  verify(read: (key: Buffer) => Uint8Array | undefined): void {
    for (const [at, record] of this.#records.entries()) {
      const value = read(this.byteKeys[at]!);
      if (value === undefined || Buffer.compare(value, this.value(record)) !== 0) {
        throw new Error(`record ${record} is not there as it was written`);
      }
    }
  }

  #drawBatches(): Put[][] {
    const random = seededRandom();
    const count = Math.min(MAX_BATCHES, Math.ceil(this.keys / BATCH_PUTS));
    const draw = () => randomBelow(random, this.keys);
    return Array.from({ length: count }, () => {
      const keys = byteKeys(Uint32Array.from({ length: BATCH_PUTS }, draw));
      return keys.map((key) => ({ type: 'put', key, value: this.value(draw()) }));
    });
  }
}

/** All records below `count`, each once, in an order that `random` draws. */
function shuffledRecords(count: number, random: Random): Uint32Array {
  const records = Uint32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = randomBelow(random, at + 1);
    const record = records[at]!;
    records[at] = records[other]!;
    records[other] = record;
  }
  return records;
}

function byteKeys(records: Uint32Array): Buffer[] {
  const memory = Buffer.allocUnsafeSlow(records.length * KEY_BYTES);
  return Array.from(records, (record, at) => {
    memory.write(keyText(record), at * KEY_BYTES, 'latin1');
    return memory.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES);
  });
}
