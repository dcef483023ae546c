import { existsSync } from 'node:fs';
import { DleError } from '@dle/common';
import { UsageError } from '@dle/common/internal';
import { LogStore } from '../store/log-store.js';
import type { LogStoreOptions } from '../store/types.js';
import type { Encoding } from './bytes-text.js';
import { Progress } from './progress.js';

export const PROGRAM = 'dle-store';

/** The options that every command has. */
export interface CommonArguments {
  readonly json: boolean;
  readonly encoding: Encoding;
}

/** The store of which a command is to do something, and how it tells of that. */
export class Context {
  readonly signal: AbortSignal;
  readonly #directory: string | undefined;

  /** `directory`: where the store is, if that was said. `signal` aborts when it is interrupted. */
  constructor(directory: string | undefined, signal: AbortSignal) {
    this.#directory = directory;
    this.signal = signal;
  }

  get directory(): string {
    if (this.#directory !== undefined) return this.#directory;
    throw new UsageError('the directory of the store comes first');
  }

  /** Throws `DLE_INVALID_ARGUMENT` if there is no such directory. */
  mustExist(): void {
    if (existsSync(this.directory)) return;
    const message = `there is no ${this.directory}: put and load make a store where there is none`;
    throw new DleError('DLE_INVALID_ARGUMENT', message);
  }

  /** Opens a store that is there, which is left as it is. */
  reading<T>(work: (store: LogStore) => Promise<T>): Promise<T> {
    this.mustExist();
    return this.#using({ compaction: { automatic: false } }, work);
  }

  /** Opens a store that is there. */
  writing(work: (store: LogStore) => Promise<void>): Promise<void> {
    this.mustExist();
    return this.#using({}, work);
  }

  /** As `writing`, and makes one where there is none. */
  making(work: (store: LogStore) => Promise<void>): Promise<void> {
    return this.#using({}, work);
  }

  async #using<T>(options: LogStoreOptions, work: (store: LogStore) => Promise<T>): Promise<T> {
    const store = await LogStore.open(this.directory, options);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  /** Tells of work that takes its time, and ends when it does. */
  async showing<T>(
    what: string,
    { json }: CommonArguments,
    work: (progress: Progress) => Promise<T>,
  ): Promise<T> {
    const progress = new Progress(what, json);
    try {
      return await work(progress);
    } finally {
      progress.end();
    }
  }
}
