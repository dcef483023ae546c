import { crc32, DleError, toBytes, toText } from '@dle/common';
import { copyOf } from '../bytes.js';
import { corrupt, type Origin } from '../errors.js';
import { MAX_LOCAL_STATE_BYTES } from '../limits.js';
import { checkLengths } from './entry-batch-builder.js';
import {
  FLAG_LAST_OF_ENTRY,
  RECORD_HEADER_BYTES,
  RecordView,
  recordBytes,
  sealRecord,
  writeRecord,
} from './record.js';
import { Namespace, RecordKind } from './record-kinds.js';

/** What a log keeps for its directory alone; the last value of a key wins. */
export class LocalState {
  readonly #records = new Map<string, Uint8Array>();
  #bytes = 0;

  get(key: string): Uint8Array | undefined {
    const record = this.#records.get(key);
    if (record === undefined) return undefined;
    const view = new RecordView(record);
    view.moveTo(0);
    return copyOf(view.value);
  }

  /** Copies of all values. */
  all(): Map<string, Uint8Array> {
    return new Map(Array.from(this.#records.keys(), (key) => [key, this.get(key)!]));
  }

  /** Bytes of all records: what a segment begins with. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `DLE_INVALID_ARGUMENT` if there would be too much with this record. */
  checkRoom(key: string, record: Uint8Array): void {
    const bytes = this.#bytes - (this.#records.get(key)?.length ?? 0) + record.length;
    if (bytes > MAX_LOCAL_STATE_BYTES) {
      const message = `${bytes} bytes of local state; at most ${MAX_LOCAL_STATE_BYTES} are allowed`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
  }

  set(key: string, record: Uint8Array): void {
    this.#bytes += record.length - (this.#records.get(key)?.length ?? 0);
    this.#records.set(key, record);
  }

  /** Takes over what `other` holds. */
  adopt(other: LocalState): void {
    for (const [key, record] of other.#records) this.set(key, record);
  }

  records(): Uint8Array[] {
    return [...this.#records.values()];
  }

  /** Takes over the records of a frame, verified. Throws `DLE_CORRUPT`, `DLE_FORMAT`. */
  recover(bytes: Uint8Array, origin: Origin): void {
    const view = new RecordView(bytes, origin);
    while (view.end < bytes.length) {
      view.read(view.end);
      const key = toText(view.key);
      if (view.kind !== RecordKind.localState || key === undefined) {
        throw corrupt(origin, view.offset, 'not a record of local state');
      }
      this.set(key, copyOf(bytes.subarray(view.offset, view.end)));
    }
  }
}

/** The record of local state that holds `value` under `key`. */
export function encodeLocalState(key: string, value: Uint8Array): Uint8Array {
  const keyBytes = toBytes(key);
  checkLengths(keyBytes.length, value.length);
  const bytes = new Uint8Array(recordBytes(keyBytes.length, value.length));
  const view = new DataView(bytes.buffer);
  writeRecord(view, 0, {
    kind: RecordKind.localState,
    namespace: Namespace.user,
    keyLength: keyBytes.length,
    valueLength: value.length,
    payloadChecksum: crc32(value, crc32(keyBytes)),
    index: 0,
    term: 0,
  });
  bytes.set(keyBytes, RECORD_HEADER_BYTES);
  bytes.set(value, RECORD_HEADER_BYTES + keyBytes.length);
  sealRecord(bytes, view, 0, FLAG_LAST_OF_ENTRY);
  return bytes;
}

/** Whether a frame of these records holds local state, and not entries. */
export function holdsLocalState(records: Uint8Array): boolean {
  return records.length >= RECORD_HEADER_BYTES && records[3] === RecordKind.localState;
}
