import { type Clock, DleError, type Random } from '@dle/common';
import type { Vfs } from '../vfs/vfs.js';
import type { EntryBatch } from './entry-batch.js';

export interface LogComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly random: Random;
}

export interface LogOptions {
  readonly directory: string;
  /** Bytes of a segment file, 4 KiB to 1 GiB; default 64 MiB. */
  readonly segmentSize?: number;
  /** Default 100. */
  readonly idleFlushMs?: number;
  /** Default 32 MiB. */
  readonly tailCacheBytes?: number;
}

export interface LogObservers {
  /** Recovery has read the entries up to `lastIndex`, or knows those up to `commit` to be committed. */
  readonly recovered?: (log: Log, lastIndex: number, commit: number) => void;
  /** The turn ends and the log is about to write: append what has been gathered. */
  readonly gather?: () => void;
}

export interface AppendOptions {
  /** The batch begins at or below the last index and replaces the entries from there on. Default false. */
  readonly replaces?: boolean;
  /** Flush it as soon as possible (default), or when something else is flushed, or when idle. */
  readonly durable?: boolean;
}

/** The log of one directory: the one ordered stream of writes to it. */
export class Log {
  static open(
    _components: LogComponents,
    _options: LogOptions,
    _observers?: LogObservers,
  ): Promise<Log> {
    throw missing();
  }

  /** 32 hexadecimal digits, random, made with the directory. Durable. */
  get storeId(): string {
    throw missing();
  }

  /** Lowest index whose entry can be read; lastIndex + 1 if there is none. */
  get firstIndex(): number {
    throw missing();
  }

  /** Of the newest accepted entry, 0 if there is none. */
  get lastIndex(): number {
    throw missing();
  }

  /** Term of the entry at `index`; 0 at index 0. Throws `DLE_INVALID_ARGUMENT` outside the log. */
  termAt(_index: number): number {
    throw missing();
  }

  bytesAt(_index: number): number {
    throw missing();
  }

  get commit(): number {
    throw missing();
  }

  localState(_key: string): Uint8Array | undefined {
    throw missing();
  }

  /**
   * Takes over the batch; its bytes must never change again. Returns the sequence of the frame that will
   * hold the last of it. Throws `DLE_DISK_FULL` (nothing was accepted; retryable), `DLE_STORAGE_POISONED`,
   * `DLE_CLOSED`.
   */
  append(_batch: EntryBatch, _options?: AppendOptions): number {
    throw missing();
  }

  /** Same ordered stream, same errors. Returns the sequence of its frame. */
  setLocalState(_key: string, _value: Uint8Array): number {
    throw missing();
  }

  /** Travels in the header of the next frame. Only rises, never above `lastIndex`. */
  setCommit(_index: number): void {
    throw missing();
  }

  /** Sequence of the last frame accepted, written, flushed: accepted >= submitted >= flushed. */
  get accepted(): number {
    throw missing();
  }

  get submitted(): number {
    throw missing();
  }

  get flushed(): number {
    throw missing();
  }

  /** Whether a failed write or flush has ended all writing; then why. */
  get failure(): DleError | undefined {
    throw missing();
  }

  /** Calls `listener` with `flushed` whenever it has risen; returns a function that ends it. */
  onFlushed(_listener: (sequence: number) => void): () => void {
    throw missing();
  }

  /** Calls `listener` with `submitted` whenever it has risen; returns a function that ends it. */
  onSubmitted(_listener: (sequence: number) => void): () => void {
    throw missing();
  }

  /** Calls `listener` once if the log is poisoned; returns a function that ends it. */
  onFailed(_listener: (error: DleError) => void): () => void {
    throw missing();
  }

  /** Resolves when frame `sequence` is flushed; rejects with `DLE_STORAGE_POISONED` or `DLE_CLOSED`. */
  whenFlushed(_sequence: number): Promise<void> {
    throw missing();
  }

  /**
   * The entries from `fromIndex` to `toIndex`, both included, accepted ones too. Synchronously where the
   * tail cache holds them, else from the files, verified: `DLE_CORRUPT`, `DLE_IO`.
   */
  read(_fromIndex: number, _toIndex: number): EntryBatch | Promise<EntryBatch> {
    throw missing();
  }

  /** Indexes of the entries in the log that hold an opaque record, rising. */
  opaqueIndexes(): readonly number[] {
    throw missing();
  }

  /** Forgets where the entries below `index` lie; they can no longer be read by index. */
  releaseEntriesBelow(_index: number): void {
    throw missing();
  }

  /** Writes and flushes what is pending and a last, clean frame; releases the directory. Idempotent. */
  close(): Promise<void> {
    throw missing();
  }
}

function missing(): DleError {
  return new DleError('DLE_INTERNAL', 'the log is being built');
}
