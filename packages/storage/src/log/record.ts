import { crc32, MAX_KEY_BYTES, MAX_VALUE_BYTES, readUint64, writeUint64 } from '@dle/common';
import { corrupt, type Origin, unknownFormat } from '../errors.js';
import { headerChecksum, isIntact } from './header.js';
import { Namespace, RecordKind } from './record-kinds.js';

/*
 *  0        1         2              3      4       5           6            8
 *  ├─ magic ┼ version ┼ headerLength ┼ kind ┼ flags ┼ namespace ┼ keyLength  ┤
 *  8              12                16
 *  ├─ valueLength ┼ payloadChecksum ┤
 *  16 index   24 term   32 session   40 sequence   48 expiry   56 reserved   60 headerChecksum   64
 *  64 ├─ key ─┼─ value ─┼─ zeros to a multiple of 8 ─┤
 */
export const RECORD_HEADER_BYTES = 64;
export const RECORD_MAGIC = 0xd1;
const VERSION = 1;
const CHECKSUM_OFFSET = 60;
export const FLAG_LAST_OF_ENTRY = 1;

/** Of bytes that lie in no file. */
export const RECEIVED: Origin = { name: 'entries', offset: 0 };

/** Bytes a record takes with its header and padding. */
export function recordBytes(keyLength: number, valueLength: number): number {
  return RECORD_HEADER_BYTES + ((keyLength + valueLength + 7) & ~7);
}

export interface RecordFields {
  readonly kind: RecordKind;
  readonly namespace: Namespace;
  readonly keyLength: number;
  readonly valueLength: number;
  readonly payloadChecksum: number;
  readonly index: number;
  readonly term: number;
}

/**
 * Writes a header at `offset` of `view`, all but its flags and its checksum: `sealRecord` adds
 * those.
 */
export function writeRecord(view: DataView, offset: number, fields: RecordFields): void {
  view.setUint8(offset, RECORD_MAGIC);
  view.setUint8(offset + 1, VERSION);
  view.setUint8(offset + 2, RECORD_HEADER_BYTES);
  view.setUint8(offset + 3, fields.kind);
  view.setUint8(offset + 4, 0);
  view.setUint8(offset + 5, fields.namespace);
  view.setUint16(offset + 6, fields.keyLength, true);
  view.setUint32(offset + 8, fields.valueLength, true);
  view.setUint32(offset + 12, fields.payloadChecksum, true);
  writeUint64(view, offset + 16, fields.index);
  writeUint64(view, offset + 24, fields.term);
  for (let zero = 32; zero < RECORD_HEADER_BYTES; zero += 8) view.setFloat64(offset + zero, 0);
}

/** Sets the flags of the header at `offset`, whose checksum is yet to be made. */
export function setFlags(view: DataView, offset: number, flags: number): void {
  view.setUint8(offset + 4, flags);
}

/** Completes the header at `offset`. */
export function sealRecord(bytes: Uint8Array, view: DataView, offset: number, flags: number): void {
  setFlags(view, offset, flags);
  const checksum = headerChecksum(bytes, offset, RECORD_HEADER_BYTES);
  view.setUint32(offset + CHECKSUM_OFFSET, checksum, true);
}

/**
 * A window on one record after the other of the same bytes. Its fields change with each `read`;
 * `key` and `value` share the bytes.
 */
export class RecordView {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the bytes come from, for messages. */
  origin: Origin;
  offset = 0;
  /** Where the next record begins. */
  end = 0;
  kind: RecordKind = RecordKind.put;
  namespace: Namespace = Namespace.user;
  lastOfEntry = false;
  keyLength = 0;
  valueLength = 0;
  payloadChecksum = 0;
  index = 0;
  term = 0;

  constructor(bytes: Uint8Array, origin: Origin = RECEIVED) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.origin = origin;
  }

  get key(): Uint8Array {
    const start = this.offset + RECORD_HEADER_BYTES;
    return this.bytes.subarray(start, start + this.keyLength);
  }

  get value(): Uint8Array {
    const start = this.offset + RECORD_HEADER_BYTES + this.keyLength;
    return this.bytes.subarray(start, start + this.valueLength);
  }

  /**
   * Reads and verifies the header and the payload at `offset`. Throws `DLE_CORRUPT`, `DLE_FORMAT`.
   */
  read(offset: number): void {
    this.readHeader(offset);
    this.verifyPayload();
  }

  /** Verifies what lies behind the header that was read. */
  verifyPayload(): void {
    const { offset } = this;
    if (this.end > this.bytes.length) throw this.#corrupt('the record is cut off');
    const payloadEnd = offset + RECORD_HEADER_BYTES + this.keyLength + this.valueLength;
    const payload = this.bytes.subarray(offset + RECORD_HEADER_BYTES, payloadEnd);
    if (crc32(payload) !== this.payloadChecksum) throw this.#corrupt('wrong payload checksum');
    for (let padding = payloadEnd; padding < this.end; padding++) {
      if (this.bytes[padding] !== 0) throw this.#corrupt('padding is not zero');
    }
  }

  /** Reads and verifies the header alone; the payload may lie beyond the bytes at hand. */
  readHeader(offset: number): void {
    this.offset = offset;
    const view = this.#view;
    if (offset + RECORD_HEADER_BYTES > view.byteLength) throw this.#corrupt('the file ends here');
    if (view.getUint8(offset) !== RECORD_MAGIC) throw this.#corrupt('no record begins here');
    if (!isIntact(this.bytes, view, offset, view.getUint8(offset + 2))) {
      throw this.#corrupt('wrong header checksum');
    }
    this.#readFields(offset);
    this.#checkFields();
  }

  /** Moves to `offset` of bytes that have been verified before, or were made here. */
  moveTo(offset: number): void {
    this.offset = offset;
    this.#readFields(offset);
  }

  #readFields(start: number): void {
    const view = this.#view;
    this.kind = view.getUint8(start + 3) as RecordKind;
    this.lastOfEntry = view.getUint8(start + 4) === FLAG_LAST_OF_ENTRY;
    this.namespace = view.getUint8(start + 5) as Namespace;
    this.keyLength = view.getUint16(start + 6, true);
    this.valueLength = view.getUint32(start + 8, true);
    this.payloadChecksum = view.getUint32(start + 12, true);
    this.index = readUint64(view, start + 16);
    this.term = readUint64(view, start + 24);
    this.end = start + recordBytes(this.keyLength, this.valueLength);
  }

  /** Of a header whose checksum has vouched for it. */
  #checkFields(): void {
    const view = this.#view;
    const start = this.offset;
    const version = view.getUint8(start + 1);
    if (version !== VERSION || view.getUint8(start + 2) !== RECORD_HEADER_BYTES) {
      throw this.#unknown(`record version ${version}`);
    }
    const flags = view.getUint8(start + 4);
    if (flags > FLAG_LAST_OF_ENTRY) throw this.#unknown(`record flags ${flags}`);
    this.#checkKind();
    for (let reserved = 32; reserved < CHECKSUM_OFFSET; reserved += 4) {
      if (view.getUint32(start + reserved, true) !== 0)
        throw this.#unknown('a reserved field is set');
    }
    if (this.keyLength > MAX_KEY_BYTES || this.valueLength > MAX_VALUE_BYTES) {
      throw this.#unknown(`a key of ${this.keyLength} and a value of ${this.valueLength} bytes`);
    }
    if (Number.isNaN(this.index) || Number.isNaN(this.term)) {
      throw this.#corrupt('index or term is not a safe integer');
    }
  }

  #checkKind(): void {
    const { kind, namespace } = this;
    if (kind < RecordKind.put || kind > RecordKind.localState) {
      throw this.#unknown(`record kind ${kind}`);
    }
    const opaque = kind === RecordKind.opaque;
    if (opaque ? namespace > Namespace.system : namespace !== Namespace.user) {
      throw this.#unknown(`namespace ${namespace} in a record of kind ${kind}`);
    }
    if (kind === RecordKind.delete && this.valueLength !== 0) {
      throw this.#unknown('a tombstone with a value');
    }
    const local = kind === RecordKind.localState;
    if (local ? this.index !== 0 || this.term !== 0 || !this.lastOfEntry : this.index === 0) {
      throw this.#unknown(`index ${this.index} in a record of kind ${kind}`);
    }
  }

  #corrupt(what: string): Error {
    return corrupt(this.origin, this.offset, what);
  }

  #unknown(what: string): Error {
    return unknownFormat(this.origin, this.offset, what);
  }
}
