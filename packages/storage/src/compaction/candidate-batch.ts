import { allocate } from '../bytes.js';
import type { KeyEntry } from '../directory/block-builder.js';
import type { DirectoryEntryView } from '../directory/directory-block.js';
import { type HashSeed, halfSipHash } from '../key-index/half-sip-hash.js';
import { offsetOf, positionOf } from '../key-index/position.js';
import { recordBytes } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { RecordColumns } from '../native/read-records.js';
import type { Candidates } from './compaction-order.js';
import type { ExpectedRecord } from './input-records.js';

const FIRST_CAPACITY = 4_096;
const FIRST_KEY_BYTES = 64 * 1024;

/** Records of the inputs by rising keys, in columns: no object for each. */
export class CandidateBatch {
  count = 0;
  #indexes = new Float64Array(FIRST_CAPACITY);
  #lengths = new Uint32Array(FIRST_CAPACITY);
  #valueLengths = new Uint32Array(FIRST_CAPACITY);
  #kinds = new Uint8Array(FIRST_CAPACITY);
  #keyEnds = new Uint32Array(FIRST_CAPACITY);
  #keys: Uint8Array = allocate(FIRST_KEY_BYTES);
  #hashes = new Uint32Array(FIRST_CAPACITY);
  #positions = new Float64Array(FIRST_CAPACITY);

  /** Adds what the directory of the file at `slot` says of a record. */
  add(slot: number, index: number, entry: DirectoryEntryView, seed: HashSeed): void {
    const at = this.count++;
    if (at === this.#indexes.length) this.#grow();
    const { key } = entry;
    const start = this.#keyStart(at);
    const end = start + key.length;
    if (end > this.#keys.length) this.#growKeys(end);
    this.#keys.set(key, start);
    this.#keyEnds[at] = end;
    this.#indexes[at] = index;
    this.#valueLengths[at] = entry.valueLength;
    this.#lengths[at] = recordBytes(key.length, entry.valueLength);
    this.#kinds[at] = entry.kind;
    this.#hashes[at] = halfSipHash(key, seed);
    this.#positions[at] = positionOf(slot, entry.recordOffset);
  }

  clear(): void {
    this.count = 0;
  }

  /** Copies, to be given away. */
  candidates(): Candidates {
    const { count } = this;
    const hashes = this.#hashes.slice(0, count);
    return { count, hashes, positions: this.#positions.slice(0, count) };
  }

  /** What is known of the records, for C. */
  get columns(): RecordColumns {
    return {
      lengths: this.#lengths,
      indexes: this.#indexes,
      keys: this.#keys,
      keyEnds: this.#keyEnds,
    };
  }

  isDelete(at: number): boolean {
    return this.#kinds[at] === RecordKind.delete;
  }

  keyAt(at: number): Uint8Array {
    return this.#keys.subarray(this.#keyStart(at), this.#keyEnds[at]!);
  }

  /** As the record is listed in the directory of the segment in which it lies at `offset`. */
  entryAt(at: number, offset: number): KeyEntry {
    return {
      bytes: this.#keys,
      keyStart: this.#keyStart(at),
      keyEnd: this.#keyEnds[at]!,
      recordOffset: offset,
      index: this.#indexes[at]!,
      valueLength: this.#valueLengths[at]!,
      kind: this.#kinds[at] as RecordKind,
    };
  }

  expectedAt(at: number): ExpectedRecord {
    return {
      key: this.keyAt(at),
      index: this.#indexes[at]!,
      offset: offsetOf(this.#positions[at]!),
      bytes: this.#lengths[at]!,
    };
  }

  /** Of the record, with header and padding. */
  bytesAt(at: number): number {
    return this.#lengths[at]!;
  }

  indexAt(at: number): number {
    return this.#indexes[at]!;
  }

  hashAt(at: number): number {
    return this.#hashes[at]!;
  }

  positionAt(at: number): number {
    return this.#positions[at]!;
  }

  #keyStart(at: number): number {
    return at === 0 ? 0 : this.#keyEnds[at - 1]!;
  }

  #grow(): void {
    const capacity = this.#indexes.length * 2;
    this.#indexes = larger(new Float64Array(capacity), this.#indexes);
    this.#lengths = larger(new Uint32Array(capacity), this.#lengths);
    this.#valueLengths = larger(new Uint32Array(capacity), this.#valueLengths);
    this.#kinds = larger(new Uint8Array(capacity), this.#kinds);
    this.#keyEnds = larger(new Uint32Array(capacity), this.#keyEnds);
    this.#hashes = larger(new Uint32Array(capacity), this.#hashes);
    this.#positions = larger(new Float64Array(capacity), this.#positions);
  }

  #growKeys(needed: number): void {
    this.#keys = larger(allocate(Math.max(needed, this.#keys.length * 2)), this.#keys);
  }
}

function larger<Column extends Uint8Array | Uint32Array | Float64Array>(
  column: Column,
  from: Column,
): Column {
  column.set(from);
  return column;
}
