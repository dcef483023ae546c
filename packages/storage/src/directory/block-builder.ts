import type { RecordKind } from '../log/record-kinds.js';
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  ENTRY_BYTES,
  entryBytes,
  PLACE_BYTES,
  PLACE_STEP,
  sealBlock,
} from './directory-block.js';

/** The newest record of a key. */
export interface KeyEntry {
  /** Its key is those from `keyStart` to `keyEnd`. */
  readonly bytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  /** In its segment, in bytes. */
  readonly recordOffset: number;
  readonly index: number;
  readonly valueLength: number;
  readonly kind: RecordKind;
}

/** A key of at most so many bytes is copied byte by byte: no array is made for it. */
const SHORT_KEY_BYTES = 48;

/** The block that entries go into, one after the other. */
export class BlockBuilder {
  readonly bytes: Uint8Array = new Uint8Array(BLOCK_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #places = new Uint16Array(BLOCK_BYTES / ENTRY_BYTES);
  #end = BLOCK_HEADER_BYTES;
  count = 0;

  hasRoomFor(keyLength: number): boolean {
    return this.#end + entryBytes(keyLength) + (this.count + 1) * PLACE_BYTES <= BLOCK_BYTES;
  }

  /** `index`: as it stands in the entry. */
  add(entry: Omit<KeyEntry, 'index'>, index: number): void {
    const view = this.#view;
    const at = this.#end;
    const { bytes, keyStart, keyEnd } = entry;
    view.setUint32(at, entry.recordOffset / 8, true);
    view.setUint32(at + 4, index >>> 0, true);
    view.setUint16(at + 8, index / 2 ** 32, true);
    view.setUint16(at + 10, keyEnd - keyStart, true);
    view.setUint32(at + 12, entry.valueLength + entry.kind * 2 ** 24, true);
    if (keyEnd - keyStart > SHORT_KEY_BYTES) {
      this.bytes.set(bytes.subarray(keyStart, keyEnd), at + ENTRY_BYTES);
    } else {
      const shift = at + ENTRY_BYTES - keyStart;
      for (let from = keyStart; from < keyEnd; from++) this.bytes[from + shift] = bytes[from]!;
    }
    this.#places[this.count++] = at / PLACE_STEP;
    this.#end += entryBytes(keyEnd - keyStart);
  }

  /** Of a block that is done. */
  seal(segment: number, number: number): Uint8Array {
    const { count } = this;
    const places = BLOCK_BYTES - count * PLACE_BYTES;
    for (let entry = 0; entry < count; entry++) {
      this.#view.setUint16(places + entry * PLACE_BYTES, this.#places[entry]!, true);
    }
    sealBlock(this.bytes, { segment, number, count, length: this.#end - BLOCK_HEADER_BYTES });
    return this.bytes;
  }

  clear(): void {
    this.bytes.fill(0);
    this.#end = BLOCK_HEADER_BYTES;
    this.count = 0;
  }
}
