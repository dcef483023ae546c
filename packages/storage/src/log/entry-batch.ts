import { assert, concatBytes, DleError } from '@dle/common';
import { copyOf } from '../bytes.js';
import { corrupt, type Origin } from '../errors.js';
import { MAX_BATCH_BYTES, MAX_ENTRY_RECORDS } from '../limits.js';
import { nativeBinding } from '../native/native.js';
import { RECEIVED, RecordView } from './record.js';
import { type Namespace, RecordKind } from './record-kinds.js';

/** An entry, or a part of one, that changes no key; it shares the bytes of its batch. */
export interface OpaqueEntry {
  readonly index: number;
  readonly namespace: Namespace;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * A run of consecutive whole entries in the very bytes in which they travel and lie. Immutable:
 * nobody may change `bytes` once a batch is made of them. Made by `decode`, by an
 * `EntryBatchBuilder`, or as a slice of another.
 */
export class EntryBatch {
  readonly bytes: Uint8Array;
  readonly firstIndex: number;
  /** At least 1. */
  readonly count: number;
  /** Indexes of the entries that hold an opaque record, rising. */
  readonly opaqueIndexes: readonly number[];
  readonly #origin: Origin;
  readonly #view: DataView;
  /**
   * Offset in the bytes of the first of all batches sliced from the same; one more than entries.
   */
  readonly #starts: Uint32Array;

  /** Of bytes that have been verified, or just made; for this package. */
  constructor(
    bytes: Uint8Array,
    firstIndex: number,
    starts: Uint32Array,
    opaqueIndexes: readonly number[],
    origin: Origin = RECEIVED,
  ) {
    this.bytes = bytes;
    this.firstIndex = firstIndex;
    this.count = starts.length - 1;
    this.opaqueIndexes = opaqueIndexes;
    this.#starts = starts;
    this.#origin = origin;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get lastIndex(): number {
    return this.firstIndex + this.count - 1;
  }

  /** Term of the entry at `index`, firstIndex <= index <= lastIndex. */
  termAt(index: number): number {
    const offset = this.offsetAt(index) + 24;
    return (
      this.#view.getUint32(offset + 4, true) * 0x1_0000_0000 + this.#view.getUint32(offset, true)
    );
  }

  /** Size of the entry at `index` in bytes, all its records with headers and padding. */
  bytesAt(index: number): number {
    return this.offsetAt(index + 1) - this.offsetAt(index);
  }

  /** Where the entry at `index` begins in `bytes`; of `lastIndex + 1`: where they end. */
  offsetAt(index: number): number {
    const place = index - this.firstIndex;
    assert(place >= 0 && place <= this.count, `entry ${index} is not in this batch`);
    return this.#starts[place]! - this.#starts[0]!;
  }

  /** The bytes of the entry at `index`; shared. */
  entryBytes(index: number): Uint8Array {
    return this.bytes.subarray(this.offsetAt(index), this.offsetAt(index + 1));
  }

  /** The entries `from` to `to`, both included; shares the bytes. */
  slice(from: number, to: number): EntryBatch {
    assert(from <= to, `an empty slice: ${from} to ${to}`);
    if (from === this.firstIndex && to === this.lastIndex) return this;
    const start = this.offsetAt(from);
    const bytes = this.bytes.subarray(start, this.offsetAt(to + 1));
    const starts = this.#starts.subarray(from - this.firstIndex, to - this.firstIndex + 2);
    const opaque =
      this.opaqueIndexes.length === 0
        ? this.opaqueIndexes
        : this.opaqueIndexes.filter((index) => index >= from && index <= to);
    const origin = { name: this.#origin.name, offset: this.#origin.offset + start };
    return new EntryBatch(bytes, from, starts, opaque, origin);
  }

  /** The same entries in bytes of their own. */
  copy(): EntryBatch {
    const starts = this.#starts.map((start) => start - this.#starts[0]!);
    return new EntryBatch(copyOf(this.bytes), this.firstIndex, starts, this.opaqueIndexes);
  }

  /** Batches that follow one another as one; copies them, unless it is only one. */
  static join(batches: readonly EntryBatch[]): EntryBatch {
    const first = batches[0];
    assert(first !== undefined, 'nothing to join');
    if (batches.length === 1) return first;
    const starts: number[] = [];
    let length = 0;
    let next = first.firstIndex;
    for (const batch of batches) {
      assert(batch.firstIndex === next, `batch from ${batch.firstIndex}, not ${next}`);
      next = batch.lastIndex + 1;
      for (const start of batch.#starts.subarray(0, batch.count)) {
        starts.push(start - batch.#starts[0]! + length);
      }
      length += batch.bytes.length;
    }
    starts.push(length);
    const bytes = concatBytes(batches.map((batch) => batch.bytes));
    const opaque = batches.flatMap((batch) => batch.opaqueIndexes);
    return new EntryBatch(bytes, first.firstIndex, Uint32Array.from(starts), opaque);
  }

  /**
   * Shows every record in order. `record` is one object whose fields change; its bytes are shared.
   */
  forEachRecord(visit: (record: RecordView) => void): void {
    const record = new RecordView(this.bytes, this.#origin);
    while (record.end < this.bytes.length) {
      record.moveTo(record.end);
      visit(record);
    }
  }

  /** Whether it only deletes keys, and so gives space back. Looks at every record. */
  get deletesOnly(): boolean {
    let only = true;
    this.forEachRecord(({ kind }) => {
      only &&= kind === RecordKind.delete;
    });
    return only;
  }

  /** The opaque records, in order. */
  opaqueEntries(): OpaqueEntry[] {
    const found: OpaqueEntry[] = [];
    for (const index of this.opaqueIndexes) {
      this.slice(index, index).forEachRecord((record) => {
        if (record.kind !== RecordKind.opaque) return;
        found.push({ index, namespace: record.namespace, key: record.key, value: record.value });
      });
    }
    return found;
  }

  /**
   * Verifies `bytes` from outside, all of them, and takes them over. `origin` is for messages.
   * Throws `DLE_CORRUPT` or `DLE_FORMAT`; takes no memory for any length before it has been
   * verified.
   */
  static decode(bytes: Uint8Array, origin: Origin = RECEIVED): EntryBatch {
    if (bytes.length === 0) throw corrupt(origin, 0, 'no entry');
    if (bytes.length > MAX_BATCH_BYTES) {
      throw new DleError('DLE_INVALID_ARGUMENT', `${bytes.length} bytes of entries at once`);
    }
    const record = new RecordView(bytes, origin);
    // In C, as far as nothing is wrong; what is, TypeScript finds out.
    const verified = nativeBinding()?.verify(bytes) ?? 0;
    const starts: number[] = [];
    const opaque: number[] = [];
    let firstIndex = 0;
    let index = 0;
    let term = 0;
    let records = 0;
    while (record.end < bytes.length) {
      if (record.end < verified) record.moveTo(record.end);
      else record.read(record.end);
      const begins = records === 0;
      if (record.kind === RecordKind.localState) {
        throw corrupt(origin, record.offset, 'local state among entries');
      }
      if (begins && starts.length === 0) firstIndex = record.index;
      else if (record.index !== (begins ? index + 1 : index)) {
        throw corrupt(origin, record.offset, `index ${record.index} after ${index}`);
      }
      if (begins ? record.term < term : record.term !== term) {
        throw corrupt(origin, record.offset, `term ${record.term} after ${term}`);
      }
      if (begins) starts.push(record.offset);
      index = record.index;
      term = record.term;
      records++;
      if (records > MAX_ENTRY_RECORDS) {
        throw corrupt(origin, record.offset, `more than ${MAX_ENTRY_RECORDS} records in one entry`);
      }
      if (record.kind === RecordKind.opaque && opaque.at(-1) !== index) opaque.push(index);
      if (record.lastOfEntry) records = 0;
    }
    if (records !== 0) throw corrupt(origin, record.offset, 'the last entry is incomplete');
    starts.push(bytes.length);
    return new EntryBatch(bytes, firstIndex, Uint32Array.from(starts), opaque, origin);
  }
}
