import { allocate } from '../bytes.js';
import { positionOf } from '../key-index/position.js';
import { RecordKind } from '../log/record-kinds.js';
import type { NativeIndex } from '../store/native-index.js';
import type { SegmentReader } from '../store/segment-reader.js';
import { DONE as ALL_MERGED, EntryMerge, FOUND } from './entry-merge.js';
import { compareRanges, type KeyBlock } from './key-blocks.js';
import { DONE, MORE, type Scan, type ScanOptions } from './scan.js';
import { readEntry } from './typescript-scan.js';

/** Records copied with one call, and bytes of them: what is given out shares that much memory. */
const RECORDS_AT_ONCE = 256;
const BYTES_AT_ONCE = 256 * 1024;

/** Of one record, for C: slot, offset / 8, length of the key, of the value, lowest bits of index. */
const FIELDS = 5;

/** Where an entry of a key directory was found. */
interface Found {
  block: KeyBlock;
  bytes: Uint8Array;
  keyStart: number;
  relativeIndex: number;
}

/** Used within one call of `run`, which nothing interrupts: all scans share them. */
const REQUEST: Uint32Array = new Uint32Array(RECORDS_AT_ONCE * FIELDS);
const FOUND_ENTRIES: Found[] = [];

/**
 * Merges in TypeScript, and has C copy the records of some hundred keys at once: their cache misses
 * overlap, and no call of the system is made for any. Nine tenths of a scan by `pread` were those.
 */
export class NativeScan implements Scan {
  readonly #segments: SegmentReader;
  readonly #native: NativeIndex;
  readonly #options: ScanOptions;
  readonly #merge: EntryMerge;
  #count = 0;
  #requested = 0;
  bytes = 0;

  constructor(segments: SegmentReader, native: NativeIndex, options: ScanOptions) {
    this.#segments = segments;
    this.#native = native;
    this.#options = options;
    this.#merge = new EntryMerge(options.reverse);
  }

  fill(source: number, block: KeyBlock, place: number): void {
    this.#merge.fill(source, block, place);
  }

  run(into: unknown[], count: number): number {
    const stop = this.#gather(count - into.length);
    this.bytes += this.#requested;
    this.#copy(into);
    return stop;
  }

  /** Notes the next records, `wanted` at the most. */
  #gather(wanted: number): number {
    const merge = this.#merge;
    const most = Math.min(wanted, RECORDS_AT_ONCE);
    this.#count = 0;
    this.#requested = 0;
    while (this.#count < most && this.#requested < BYTES_AT_ONCE) {
      const found = merge.next();
      if (found === ALL_MERGED) return DONE;
      if (found !== FOUND) return found;
      const { entry } = merge;
      if (this.#isBeyondEnd()) return DONE;
      if (entry.kind === RecordKind.put) this.#note();
    }
    return MORE;
  }

  #note(): void {
    const { entry, block } = this.#merge;
    const { bytes, keyStart, keyEnd, relativeIndex, valueLength } = entry;
    const request = REQUEST;
    const at = this.#count * FIELDS;
    request[at] = block.slot;
    request[at + 1] = entry.recordOffset / 8;
    request[at + 2] = keyEnd - keyStart;
    request[at + 3] = valueLength;
    // Assigned to 32 bits it is what the record has in its lowest ones.
    request[at + 4] = block.firstIndex + relativeIndex;
    const present = FOUND_ENTRIES[this.#count];
    if (present === undefined) {
      FOUND_ENTRIES.push({ block, bytes, keyStart, relativeIndex });
    } else {
      present.block = block;
      present.bytes = bytes;
      present.keyStart = keyStart;
      present.relativeIndex = relativeIndex;
    }
    this.#count++;
    this.#requested += keyEnd - keyStart + valueLength;
  }

  #isBeyondEnd(): boolean {
    const { end, reverse } = this.#options;
    if (end === undefined) return false;
    const { bytes, keyStart, keyEnd } = this.#merge.entry;
    const order = compareRanges(bytes, keyStart, keyEnd - keyStart, end.key, 0, end.key.length);
    if (order === 0) return !end.inclusive;
    return order > 0 !== reverse;
  }

  /** Adds what was noted to `into`. */
  #copy(into: unknown[]): void {
    const { lookup } = this.#native;
    const count = this.#count;
    if (count === 0) return;
    const page = allocate(this.#requested);
    let at = 0;
    for (let done = 0; done < count; ) {
      const copied = lookup.copyRecords(REQUEST, done, count, page, at);
      for (; done < copied; done++) at = this.#show(into, page.buffer as ArrayBuffer, done, at);
      if (done === count) return;
      this.#copyHere(done, page, at);
      at = this.#show(into, page.buffer as ArrayBuffer, done++, at);
    }
  }

  /** Of a record that is not mapped, or not what it should be. */
  #copyHere(place: number, page: Uint8Array, at: number): void {
    const { block, bytes, keyStart, relativeIndex } = FOUND_ENTRIES[place]!;
    const keyLength = REQUEST[place * FIELDS + 2]!;
    const key = bytes.subarray(keyStart, keyStart + keyLength);
    const position = positionOf(block.slot, REQUEST[place * FIELDS + 1]! * 8);
    this.#native.maps.cover(position);
    const index = block.firstIndex + relativeIndex;
    const { value } = readEntry(this.#segments, { key, position, index });
    page.set(key, at);
    page.set(value, at + keyLength);
  }

  /** Adds the record that lies at `at` of `page`; returns where the next one does. */
  #show(into: unknown[], page: ArrayBuffer, place: number, at: number): number {
    const { shape } = this.#options;
    const keyLength = REQUEST[place * FIELDS + 2]!;
    const valueLength = REQUEST[place * FIELDS + 3]!;
    const value = new Uint8Array(page, at + keyLength, valueLength);
    into.push(shape === 'values' ? value : [new Uint8Array(page, at, keyLength), value]);
    return at + keyLength + valueLength;
  }
}
