import { DleError, equalBytes } from '@dle/common';
import type { EntryBatch } from '../log/entry-batch.js';
import type { LogEntries } from '../log/log-entries.js';
import type { RecordView } from '../log/record.js';
import { Namespace, RecordKind } from '../log/record-kinds.js';
import { type KeyIndex, MapKeyIndex, type Position, positionOf } from './key-index.js';
import type { SegmentReader } from './segment-reader.js';
import type { KeySnapshot, Pair } from './types.js';

/** Told of every entry that is applied; `existed`: a delete in it found its key. */
export type OnEntry = (index: number, existed: boolean) => void;

/** The keys of a log: it learns where records lie as entries are applied, in order, and reads them there. */
export class Keyspace {
  readonly #index: KeyIndex = new MapKeyIndex();
  readonly #reader: SegmentReader;
  #appliedIndex = 0;

  constructor(reader: SegmentReader) {
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
      this.apply(entries, batch, from, to, onEntry);
    });
  }

  /** Applies the entries `from` to `to` of `batch`, the next ones; `entries` knows where they lie. */
  apply(entries: LogEntries, batch: EntryBatch, from: number, to: number, onEntry?: OnEntry): void {
    let index = 0;
    let place = 0;
    let start = 0;
    let existed = false;
    batch.slice(from, to).forEachRecord((record) => {
      if (record.index !== index) {
        index = record.index;
        start = record.offset;
        place = positionOf(entries.segmentAt(index), entries.offsetAt(index));
        existed = false;
      }
      if (this.#applyRecord(record, place + (record.offset - start) / 8)) existed = true;
      if (record.lastOfEntry) onEntry?.(index, existed);
    });
    this.#appliedIndex = to;
  }

  /** Whether a delete found its key. */
  #applyRecord(record: RecordView, position: Position): boolean {
    if (record.namespace !== Namespace.user) return false;
    if (record.kind === RecordKind.put) this.#index.set(record.key, position);
    return record.kind === RecordKind.delete && this.#index.delete(record.key);
  }

  has(key: Uint8Array): boolean {
    return this.#index.get(key) !== undefined;
  }

  /** A copy of the value. Throws `DLE_CORRUPT`, `DLE_IO`. */
  get(key: Uint8Array): Uint8Array | undefined {
    const position = this.#index.get(key);
    if (position === undefined) return undefined;
    const record = this.#put(position);
    if (!equalBytes(record.key, key)) throw misplaced(position);
    return Buffer.from(record.value);
  }

  /** Records never change and are never moved, so their positions are all that a snapshot copies. */
  snapshot(): KeySnapshot {
    let positions = this.#index.positions();
    const size = positions.length;
    let place = 0;
    let closed = false;
    return {
      index: this.#appliedIndex,
      size,
      next: (maxBytes) => {
        if (closed) throw new DleError('DLE_CLOSED', 'the snapshot was closed');
        const pairs: Pair[] = [];
        let bytes = 0;
        while (place < size && bytes < maxBytes) {
          const record = this.#put(positions[place++]!);
          pairs.push({ key: Buffer.from(record.key), value: Buffer.from(record.value) });
          bytes += record.keyLength + record.valueLength;
        }
        return pairs;
      },
      close: () => {
        closed = true;
        positions = new Float64Array(0);
      },
    };
  }

  #put(position: Position): RecordView {
    const record = this.#reader.read(position);
    if (record.kind !== RecordKind.put) throw misplaced(position);
    return record;
  }
}

function misplaced(position: Position): DleError {
  const message = `position ${position} of the index holds the record of another key`;
  return new DleError('DLE_CORRUPT', message);
}
