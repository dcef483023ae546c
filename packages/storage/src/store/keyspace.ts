import { DleError, equalBytes } from '@dle/common';
import { copyOf } from '../bytes.js';
import { corrupt } from '../errors.js';
import type { EntryBatch } from '../log/entry-batch.js';
import type { LogEntries } from '../log/log-entries.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import { type KeyIndex, type Position, positionOf } from './key-index.js';
import { PositionSnapshot } from './position-snapshot.js';
import type { SegmentReader } from './segment-reader.js';
import type { KeySnapshot } from './types.js';

/** Told of every entry that is applied; `existed`: a delete in it found its key. */
export type OnEntry = (index: number, existed: boolean) => void;

/**
 * The keys of a log: it learns where records lie as entries are applied, in order, and reads them
 * there.
 */
export class Keyspace {
  readonly #index: KeyIndex;
  readonly #reader: SegmentReader;
  #appliedIndex = 0;

  constructor(index: KeyIndex, reader: SegmentReader) {
    this.#index = index;
    this.#reader = reader;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  get size(): number {
    return this.#index.size;
  }

  /** Applies the entries up to `index` of a log that holds them. */
  applyUpTo(entries: LogEntries, index: number, onEntry?: OnEntry): void {
    if (index <= this.#appliedIndex) return;
    entries.visit(this.#appliedIndex + 1, index, (batch, from, to) => {
      this.apply(entries, batch.slice(from, to), onEntry);
    });
  }

  /** Applies `batch`, the next entries; `entries` knows where they lie. */
  apply(entries: LogEntries, batch: EntryBatch, onEntry?: OnEntry): void {
    let index = 0;
    let segment = 0;
    let shift = 0;
    let existed = false;
    batch.forEachRecord((record) => {
      if (record.index !== index) {
        index = record.index;
        segment = entries.segmentAt(index);
        shift = entries.offsetAt(index) - record.offset;
        existed = false;
      }
      if (record.kind === RecordKind.put) {
        this.#index.set(record.key, positionOf(segment, record.offset + shift));
      } else if (record.kind === RecordKind.delete && this.#index.delete(record.key)) {
        existed = true;
      }
      if (!record.lastOfEntry) return;
      this.#appliedIndex = index;
      onEntry?.(index, existed);
    });
  }

  has(key: Uint8Array): boolean {
    return this.#index.get(key) !== undefined;
  }

  /** A copy of the value. Throws `DLE_CORRUPT`, `DLE_IO`. */
  getSync(key: Uint8Array): Uint8Array | undefined {
    const position = this.#index.get(key);
    if (position === undefined) return undefined;
    // Into the pool that Buffers share: twice as fast as memory of its own.
    return Buffer.from(this.#valueOf(key, this.#reader.readSync(position), position));
  }

  /** As `LogStore.getInto`. */
  getInto(key: Uint8Array, target: Uint8Array): number {
    const position = this.#index.get(key);
    if (position === undefined) return -1;
    const value = this.#valueOf(key, this.#reader.readSync(position), position);
    if (value.length > target.length) {
      const message = `a value of ${value.length} bytes, and ${target.length} bytes to put it into`;
      const details = { valueLength: value.length };
      throw new DleError('DLE_INVALID_ARGUMENT', message, { details });
    }
    target.set(value);
    return value.length;
  }

  /** As `LogStore.getView`. */
  getView(key: Uint8Array): Uint8Array | undefined {
    return this.getSync(key);
  }

  /** As `getSync`, by the thread pool. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const position = this.#index.get(key);
    if (position === undefined) return undefined;
    return copyOf(this.#valueOf(key, await this.#reader.read(position), position));
  }

  snapshot(): KeySnapshot {
    return new PositionSnapshot(this.#reader, this.#appliedIndex, this.#index.positions());
  }

  #valueOf(key: Uint8Array, record: RecordView, position: Position): Uint8Array {
    if (record.kind === RecordKind.put && equalBytes(record.key, key)) return record.value;
    throw corrupt(this.#reader.originOf(position), 0, 'the record of another key lies here');
  }
}
