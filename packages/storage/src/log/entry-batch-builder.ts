import { assert, crc32, DleError, EMPTY_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dle/common';
import { allocate } from '../bytes.js';
import { MAX_BATCH_BYTES, MAX_ENTRY_RECORDS } from '../limits.js';
import { nativeBinding } from '../native/native.js';
import { EntryBatch } from './entry-batch.js';
import {
  FLAG_LAST_OF_ENTRY,
  RECORD_HEADER_BYTES,
  recordBytes,
  sealRecord,
  setFlags,
  writeRecord,
} from './record.js';
import { Namespace, RecordKind } from './record-kinds.js';

const INITIAL_BYTES = 1_024;

/**
 * Encodes entries of one term into one growing buffer, each byte copied once. Every entry is one or
 * more records followed by `endEntry`. A call that throws has changed nothing.
 */
export class EntryBatchBuilder {
  readonly #firstIndex: number;
  readonly #term: number;
  readonly #starts: number[] = [0];
  readonly #opaque: number[] = [];
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;
  #lastRecord = 0;
  #recordsInEntry = 0;
  /** All records are sealed at the end, with one call to C, and not one by one. */
  readonly #native = nativeBinding();

  /**
   * The first entry gets `firstIndex`, the others the indexes after it. `room` is the memory to
   * begin with, or how many bytes there are going to be; it becomes that of the batch, if it
   * suffices.
   */
  constructor(firstIndex: number, term: number, room: Uint8Array | number = INITIAL_BYTES) {
    const buffer = typeof room === 'number' ? allocate(room) : room;
    assert(Number.isSafeInteger(firstIndex) && firstIndex >= 1, `not an index: ${firstIndex}`);
    this.#firstIndex = firstIndex;
    this.#term = term;
    this.#bytes = buffer;
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  /** Entries ended so far. */
  get count(): number {
    return this.#starts.length - 1;
  }

  /** Bytes so far. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a put. `payloadChecksum`, if given, is the CRC-32 that the writer made of key ‖ value; it
   * is held against them. Throws `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE`, `DLE_CORRUPT` (wrong
   * checksum).
   */
  put(key: Uint8Array, value: Uint8Array, payloadChecksum?: number): void {
    this.#add(RecordKind.put, Namespace.user, key, value, payloadChecksum);
  }

  /** Adds a delete; `payloadChecksum` is of the key. Throws as `put` does. */
  delete(key: Uint8Array, payloadChecksum?: number): void {
    this.#add(RecordKind.delete, Namespace.user, key, EMPTY_BYTES, payloadChecksum);
  }

  /** Adds a record that changes no key. */
  opaque(namespace: Namespace, key: Uint8Array, value: Uint8Array): void {
    this.#add(RecordKind.opaque, namespace, key, value, undefined);
    const index = this.#firstIndex + this.count;
    if (this.#opaque.at(-1) !== index) this.#opaque.push(index);
  }

  /** Ends the entry that the records since the last call make up. */
  endEntry(): void {
    assert(this.#recordsInEntry > 0, 'an entry has at least one record');
    this.#endRecord(FLAG_LAST_OF_ENTRY);
    this.#starts.push(this.#length);
    this.#recordsInEntry = 0;
  }

  /** The batch; the builder is spent. */
  finish(): EntryBatch {
    assert(this.#recordsInEntry === 0 && this.count > 0, 'finish after endEntry');
    if (this.#native !== undefined) {
      const sealed = this.#native.seal(this.#bytes, this.#length);
      assert(sealed === this.#length, 'records do not lie as they were placed');
    }
    return new EntryBatch(
      this.#bytes.subarray(0, this.#length),
      this.#firstIndex,
      Uint32Array.from(this.#starts),
      this.#opaque,
    );
  }

  #add(
    kind: RecordKind,
    namespace: Namespace,
    key: Uint8Array,
    value: Uint8Array,
    claimedChecksum: number | undefined,
  ): void {
    checkLengths(key.length, value.length);
    const isSealedHere = this.#native === undefined || claimedChecksum !== undefined;
    const payloadChecksum = isSealedHere ? crc32(value, crc32(key)) : 0;
    if (claimedChecksum !== undefined && claimedChecksum !== payloadChecksum) {
      throw new DleError(
        'DLE_CORRUPT',
        'key and value do not match the checksum that came with them',
      );
    }
    const offset = this.#length;
    const end = offset + recordBytes(key.length, value.length);
    this.#checkRoom(end);
    if (end > this.#bytes.length) this.#grow(end);
    if (this.#recordsInEntry > 0) this.#endRecord(0);
    writeRecord(this.#view, offset, {
      kind,
      namespace,
      keyLength: key.length,
      valueLength: value.length,
      payloadChecksum,
      index: this.#firstIndex + this.count,
      term: this.#term,
    });
    const payload = offset + RECORD_HEADER_BYTES;
    this.#bytes.set(key, payload);
    this.#bytes.set(value, payload + key.length);
    this.#bytes.fill(0, payload + key.length + value.length, end);
    this.#lastRecord = offset;
    this.#recordsInEntry++;
    this.#length = end;
  }

  #endRecord(flags: number): void {
    const at = this.#lastRecord;
    if (this.#native === undefined) sealRecord(this.#bytes, this.#view, at, flags);
    else setFlags(this.#view, at, flags);
  }

  #checkRoom(end: number): void {
    if (this.#recordsInEntry === MAX_ENTRY_RECORDS) {
      throw new DleError(
        'DLE_INVALID_ARGUMENT',
        `more than ${MAX_ENTRY_RECORDS} records in one entry`,
      );
    }
    if (end > MAX_BATCH_BYTES) {
      throw new DleError('DLE_INVALID_ARGUMENT', `more than ${MAX_BATCH_BYTES} bytes in one batch`);
    }
  }

  #grow(needed: number): void {
    const larger = allocate(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Throws `DLE_KEY_TOO_LARGE` or `DLE_VALUE_TOO_LARGE`. */
export function checkLengths(keyLength: number, valueLength: number): void {
  if (keyLength > MAX_KEY_BYTES) {
    const message = `a key of ${keyLength} bytes; at most ${MAX_KEY_BYTES} are allowed`;
    throw new DleError('DLE_KEY_TOO_LARGE', message);
  }
  if (valueLength > MAX_VALUE_BYTES) {
    const message = `a value of ${valueLength} bytes; at most ${MAX_VALUE_BYTES} are allowed`;
    throw new DleError('DLE_VALUE_TOO_LARGE', message);
  }
}
