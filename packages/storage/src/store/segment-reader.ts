import { equalBytes, isDleError } from '@dle/common';
import { allocate } from '../bytes.js';
import type { Origin } from '../errors.js';
import { offsetOf, type Position, type SegmentSlots, slotOf } from '../key-index/position.js';
import { RecordView } from '../log/record.js';
import type { SegmentFiles } from '../log/segment-files.js';

/**
 * What is read at first: a header, and a key and value of up to 192 bytes, with one call. What is
 * read in vain is not free: each 64 bytes of it may have to come from memory.
 */
const FIRST_READ_BYTES = 256;

/**
 * Reads single records where the index says they lie, by `pread`, every checksum verified. Throws
 * `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`, `DLE_CLOSED`.
 */
export class SegmentReader {
  readonly #files: SegmentFiles;
  readonly #slots: SegmentSlots;
  readonly #first = new RecordView(allocate(FIRST_READ_BYTES));

  constructor(files: SegmentFiles, slots: SegmentSlots) {
    this.#files = files;
    this.#slots = slots;
  }

  /** The record at `position`; it and its bytes are good until the next call. */
  readSync(position: Position): RecordView {
    const first = this.#first;
    if (isWhole(first, this.#readFirst(position))) return first;
    const whole = new RecordView(allocate(first.end), first.origin);
    return verified(whole, this.#file(position).readSync(whole.bytes, offsetOf(position)));
  }

  /** The record at `position`, by the thread pool; its bytes are the caller's. */
  async read(position: Position): Promise<RecordView> {
    const offset = offsetOf(position);
    const first = new RecordView(allocate(FIRST_READ_BYTES), this.originOf(position));
    if (isWhole(first, await this.#file(position).read(first.bytes, offset))) return first;
    const whole = new RecordView(allocate(first.end), first.origin);
    return verified(whole, await this.#file(position).read(whole.bytes, offset));
  }

  /** Of the record of which `holds` has said yes at last, in bytes. */
  heldBytes = 0;

  /** How often `holds` has come upon a record of which nobody can say whose it is. */
  unreadable = 0;

  /**
   * Whether the record there is one of `key`; its value is not looked at. One that is damaged is
   * one of no key: a read that comes by says so. Throws `DLE_IO`, `DLE_CLOSED`.
   */
  holds(position: Position, key: Uint8Array): boolean {
    try {
      return this.#holds(position, key);
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT')) throw thrown;
      this.unreadable++;
      return false;
    }
  }

  #holds(position: Position, key: Uint8Array): boolean {
    const first = this.#first;
    first.bytes.fill(0, this.#readFirst(position));
    first.readHeader(0);
    if (first.keyLength !== key.length) return false;
    this.heldBytes = first.end;
    const { key: here } = first;
    if (here.length === key.length && equalBytes(here, key)) return true;
    // Verified: the index hardly ever leads to another key, and this may be a damaged one.
    return equalBytes(this.readSync(position).key, key);
  }

  /** Where that is, for messages. */
  originOf(position: Position): Origin {
    const name = this.#files.pathOf(this.#slots.segmentAt(slotOf(position)));
    return { name, offset: offsetOf(position) };
  }

  #readFirst(position: Position): number {
    const file = this.#file(position);
    const first = this.#first;
    first.origin = { name: file.path, offset: offsetOf(position) };
    return file.readSync(first.bytes, offsetOf(position));
  }

  #file(position: Position) {
    return this.#files.get(this.#slots.segmentAt(slotOf(position)));
  }
}

/**
 * Whether the record is among the bytes read at first, which has been verified then; else its
 * header has.
 */
function isWhole(first: RecordView, count: number): boolean {
  if (count < first.bytes.length) first.bytes.fill(0, count);
  first.readHeader(0);
  if (first.end > first.bytes.length) return false;
  first.verifyPayload();
  return true;
}

function verified(record: RecordView, count: number): RecordView {
  record.bytes.fill(0, count);
  record.read(0);
  return record;
}
