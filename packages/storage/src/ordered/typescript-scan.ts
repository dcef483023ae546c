import { equalBytes } from '@dle/common';
import { compareRanges } from '../directory/block-search.js';
import { corrupt } from '../errors.js';
import { positionOf } from '../key-index/position.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { SegmentReader } from '../store/segment-reader.js';
import { ValuePool } from '../store/value-pool.js';
import { DONE as ALL_MERGED, EntryMerge, FOUND } from './entry-merge.js';
import type { KeyBlock } from './key-blocks.js';
import { AT_START, DONE, MORE, placeOf, type Scan, type ScanOptions } from './scan.js';

/** Keys and bytes of values between two looks at the clock. */
const KEYS_AT_ONCE = 128;
const BYTES_AT_ONCE = 256 * 1024;

/** With one read of the file for each record. */
export class TypescriptScan implements Scan {
  readonly #segments: SegmentReader;
  readonly #options: ScanOptions;
  readonly #merge: EntryMerge;
  readonly #pool = new ValuePool();
  /** The sources in whose block the range does not begin. */
  readonly #unfilled: number[] = [];
  bytes = 0;

  constructor(segments: SegmentReader, options: ScanOptions) {
    this.#segments = segments;
    this.#options = options;
    this.#merge = new EntryMerge(options.reverse);
  }

  fill(source: number, block: KeyBlock, place: number): void {
    const first = place === AT_START ? placeOf(block, this.#options) : place;
    if (first < 0 || first === block.count) this.#unfilled.push(source);
    else this.#merge.fill(source, block, first);
  }

  run(into: unknown[], count: number): number {
    const unfilled = this.#unfilled.pop();
    if (unfilled !== undefined) return unfilled;
    const merge = this.#merge;
    const mostBytes = this.bytes + BYTES_AT_ONCE;
    for (let keys = 0; keys < KEYS_AT_ONCE && into.length < count; keys++) {
      const found = merge.next();
      if (found === ALL_MERGED) return DONE;
      if (found !== FOUND) return found;
      if (this.#isBeyondEnd()) return DONE;
      const { kind, keyStart, keyEnd, valueLength } = merge.entry;
      if (kind !== RecordKind.put) continue;
      into.push(this.#show());
      this.bytes += keyEnd - keyStart + valueLength;
      if (this.bytes > mostBytes) break;
    }
    return MORE;
  }

  close(): void {}

  #isBeyondEnd(): boolean {
    const { end, reverse } = this.#options;
    if (end === undefined) return false;
    const { bytes, keyStart, keyEnd } = this.#merge.entry;
    const order = compareRanges(bytes, keyStart, keyEnd - keyStart, end.key, 0, end.key.length);
    if (order === 0) return !end.inclusive;
    return order > 0 !== reverse;
  }

  #show(): unknown {
    const { shape } = this.#options;
    const { key } = this.#merge.entry;
    if (shape === 'keys') return this.#pool.copy(key);
    const record = this.#read(key);
    if (shape === 'records') {
      return this.#pool.copy(record.bytes.subarray(record.offset, record.end));
    }
    const value = this.#pool.copy(record.value);
    return shape === 'values' ? value : [this.#pool.copy(key), value];
  }

  #read(key: Uint8Array): RecordView {
    const { block, entry } = this.#merge;
    return readEntry(this.#segments, {
      key,
      position: positionOf(block.slot, entry.recordOffset),
      index: block.firstIndex + entry.relativeIndex,
    });
  }
}

/** The put that an entry of a key directory speaks of, verified; good until the next read. */
export function readEntry(
  segments: SegmentReader,
  entry: { readonly key: Uint8Array; readonly position: number; readonly index: number },
): RecordView {
  const record = segments.readSync(entry.position);
  checkEntry(segments, entry, record);
  return record;
}

/** Throws `DLE_CORRUPT` if `record` is not the one that an entry speaks of. */
export function checkEntry(
  segments: SegmentReader,
  entry: { readonly key: Uint8Array; readonly position: number; readonly index: number },
  record: RecordView,
): void {
  const isRight = record.kind === RecordKind.put && record.index === entry.index;
  if (isRight && equalBytes(record.key, entry.key)) return;
  throw corrupt(segments.originOf(entry.position), 0, 'another record than the keys say');
}
