import { DleError } from '@dle/common';
import type { Log } from '../log/log.js';
import type {
  BatchOperation,
  BytesLike,
  KeySnapshot,
  LogStoreComponents,
  LogStoreOptions,
  LogStoreStats,
  WriteOptions,
} from './types.js';

/** A durable key-value store in one directory. */
export class LogStore {
  static open(
    _directory: string,
    _options: LogStoreOptions = {},
    _components: LogStoreComponents = {},
  ): Promise<LogStore> {
    throw missing();
  }

  /** The log beneath; in replicated mode the consensus layer appends to it. */
  get log(): Log {
    throw missing();
  }

  /** Index of the last entry that reads reflect. */
  get appliedIndex(): number {
    throw missing();
  }

  put(_key: BytesLike, _value: BytesLike, _options?: WriteOptions): Promise<void> {
    throw missing();
  }

  del(_key: BytesLike, _options?: WriteOptions): Promise<void> {
    throw missing();
  }

  /** All or nothing, seen together. */
  batch(_operations: readonly BatchOperation[], _options?: WriteOptions): Promise<void> {
    throw missing();
  }

  get(_key: BytesLike): Promise<Uint8Array | undefined> {
    throw missing();
  }

  getSync(_key: BytesLike): Uint8Array | undefined {
    throw missing();
  }

  has(_key: BytesLike): boolean {
    throw missing();
  }

  getMany(_keys: readonly BytesLike[]): Promise<(Uint8Array | undefined)[]> {
    throw missing();
  }

  /** Resolves when all that was written before is on the device. */
  flush(): Promise<void> {
    throw missing();
  }

  /**
   * Replicated mode: the entries up to `index` are committed; reads reflect them from now on. `onEntry` is
   * called for each, in order; `existed`: whether a delete in it found its key.
   */
  apply(_index: number, _onEntry?: (index: number, existed: boolean) => void): void {
    throw missing();
  }

  /** A point-in-time copy of all keys, for a dump that writes go on beside. */
  snapshotKeys(): KeySnapshot {
    throw missing();
  }

  stats(): LogStoreStats {
    throw missing();
  }

  close(): Promise<void> {
    throw missing();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function missing(): DleError {
  return new DleError('DLE_INTERNAL', 'the store is being built');
}
