import { setImmediate } from 'node:timers/promises';
import { randomBelow } from '@dle/common';
import type { LogStore } from '@dle/storage';
import { KEY_BYTES, keyText, seededRandom, VALUE_BYTES } from '../workload.js';
import type { Draws } from './draws.js';

const BATCH_PUTS = 100;
const IN_FLIGHT = 8;
/** The driver's own work in one turn ends after so long: what is longer is not its own. */
const SLICE_MS = 1;

interface MutablePut {
  readonly type: 'put';
  readonly key: Buffer;
  value: Buffer;
}

export interface GrowthOptions {
  /** It ends with so many keys, or when `maxMs` is over. */
  readonly keys: number;
  readonly maxMs: number;
  /** Puts a second; each comes with a read. */
  readonly rate: number;
  /** In each turn of the event loop. */
  readonly onTurn: () => void;
}

export interface Grown {
  readonly keys: number;
  readonly elapsedMs: number;
  readonly longestSliceMs: number;
}

/**
 * Puts new keys into a store, in flushed batches of which several are in flight, and reads one that
 * is there for each, no faster than it is told. It makes hardly any garbage, so that what the event
 * loop stands still for is the store's: batches and the memory of their keys are used again.
 */
export class Growth {
  readonly #store: LogStore;
  readonly #draws: Draws;
  readonly #random = seededRandom();
  readonly #target: Uint8Array = new Uint8Array(VALUE_BYTES);
  readonly #key: Buffer = Buffer.alloc(KEY_BYTES);
  readonly #idle: MutablePut[][];
  #begun = 0;
  /** Batches end in the order in which they began: all keys below are there. */
  #ended = 0;
  #failure: unknown;

  constructor(store: LogStore, draws: Draws) {
    this.#store = store;
    this.#draws = draws;
    this.#idle = Array.from({ length: IN_FLIGHT }, newBatch);
  }

  async run({ keys, maxMs, rate, onTurn }: GrowthOptions): Promise<Grown> {
    const began = performance.now();
    let longestSliceMs = 0;
    let elapsedMs = 0;
    while (this.#begun < keys && elapsedMs < maxMs) {
      onTurn();
      const start = performance.now();
      const due = Math.min(keys, (rate * (start - began)) / 1_000);
      let now = start;
      while (this.#begun < due && this.#idle.length > 0 && now - start < SLICE_MS) {
        this.#putAndRead(keys);
        now = performance.now();
      }
      longestSliceMs = Math.max(longestSliceMs, now - start);
      await setImmediate();
      if (this.#failure !== undefined) throw this.#failure;
      elapsedMs = performance.now() - began;
    }
    while (this.#idle.length < IN_FLIGHT && this.#failure === undefined) {
      onTurn();
      await setImmediate();
    }
    if (this.#failure !== undefined) throw this.#failure;
    return { keys: this.#ended, elapsedMs: performance.now() - began, longestSliceMs };
  }

  #putAndRead(keys: number): void {
    const batch = this.#idle.pop()!;
    const first = this.#begun;
    const count = Math.min(BATCH_PUTS, keys - first);
    for (let at = 0; at < count; at++) {
      const put = batch[at]!;
      put.key.write(keyText(first + at), 'latin1');
      put.value = this.#draws.value(first + at);
    }
    this.#begun += count;
    const whole = count === batch.length ? batch : batch.slice(0, count);
    this.#store.batch(whole, { durability: 'flush' }).then(
      () => {
        this.#ended += count;
        this.#idle.push(batch);
      },
      (thrown) => {
        this.#failure = thrown;
      },
    );
    for (let at = 0; at < count && this.#ended > 0; at++) {
      this.#key.write(keyText(randomBelow(this.#random, this.#ended)), 'latin1');
      const length = this.#store.getInto(this.#key, this.#target);
      if (length !== VALUE_BYTES) throw new Error('a record is not in the store');
    }
  }
}

function newBatch(): MutablePut[] {
  const value = Buffer.alloc(VALUE_BYTES);
  return Array.from({ length: BATCH_PUTS }, () => {
    return { type: 'put', key: Buffer.alloc(KEY_BYTES), value };
  });
}
