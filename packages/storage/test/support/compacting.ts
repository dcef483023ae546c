import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { LogStore, type LogStoreOptions } from '../../src/index.js';

/** Nothing happens by itself; writes are not waited for one by one. */
export const OPTIONS = {
  segmentSize: 4_096,
  durability: 'none',
  compaction: { automatic: false, bytesPerSecond: 0 },
} as const satisfies LogStoreOptions;

export const keyOf = (n: number): string => `key ${`${n}`.padStart(6, '0')}`;

/** A directory of its own for each test, and the store in it. */
export class Desk {
  directory = '';
  #store: LogStore | undefined;

  constructor() {
    beforeEach(async () => {
      this.directory = await mkdtemp(join(tmpdir(), 'dle-compaction-'));
    });
    afterEach(async () => {
      await this.#store?.close();
      this.#store = undefined;
      await rm(this.directory, { recursive: true });
    });
  }

  get store(): LogStore {
    if (this.#store === undefined) throw new Error('the store has not been opened');
    return this.#store;
  }

  /** Closes the store, if it is open, and opens it. */
  async open(options: LogStoreOptions = {}): Promise<LogStore> {
    await this.#store?.close();
    this.#store = await LogStore.open(this.directory, { ...OPTIONS, ...options });
    return this.#store;
  }

  async put(from: number, to: number, value: (n: number) => string): Promise<void> {
    const writes: Promise<void>[] = [];
    for (let n = from; n < to; n++) writes.push(this.store.put(keyOf(n), value(n)));
    await Promise.all(writes);
  }

  async delete(from: number, to: number): Promise<void> {
    const writes: Promise<void>[] = [];
    for (let n = from; n < to; n++) writes.push(this.store.del(keyOf(n)));
    await Promise.all(writes);
  }

  /** Compacts, and has it end after the first batch of records has been looked at. */
  async compactInPart(): Promise<unknown> {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const { signal } = controller;
    return this.store.compact({ signal, onProgress }).catch((thrown: unknown) => thrown);
  }
}
