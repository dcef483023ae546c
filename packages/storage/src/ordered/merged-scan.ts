import { EMPTY_BYTES } from '@dle/common';
import { allocate, copyOf } from '../bytes.js';
import { type Position, positionOf } from '../key-index/position.js';
import { SCAN_ASK, SCAN_FLAGS, SCAN_PAGE } from '../native/lookup.js';
import type { NativeIndex } from '../store/native-index.js';
import type { SegmentReader } from '../store/segment-reader.js';
import type { KeyBlock } from './key-blocks.js';
import type { Scan, ScanOptions } from './scan.js';
import { readEntry } from './typescript-scan.js';

const { entries: ENTRIES, stop: STOP, slot: SLOT, offset: OFFSET, index: INDEX } = SCAN_PAGE;
const { lengths: LENGTHS } = SCAN_PAGE;

/** No page has so many. */
const MOST = 65_536;

/** Used within one call of `run`, which nothing interrupts. */
const PAGE: Uint32Array = new Uint32Array(SCAN_PAGE.words);

/**
 * The memory of scans that were closed: short ones follow each other. So much as one of some dozen
 * sources takes, or more.
 */
const SPARE: Uint8Array[] = [];
const MOST_SPARE = 4;
const FIRST_MEMORY: number = 16 * 1024;

/**
 * Merges and reads in C, through the maps of the segments: a page of keys and values at a time,
 * which share its memory. Records that are not mapped, or not what they should be, are read here.
 */
export class MergedScan implements Scan {
  readonly #segments: SegmentReader;
  readonly #native: NativeIndex;
  /** Where C has what it knows of this scan, among it where in memory its bounds and blocks are. */
  #memory: Uint8Array;
  readonly #options: ScanOptions;
  readonly #blocks: KeyBlock[] = [];
  bytes = 0;

  constructor(segments: SegmentReader, native: NativeIndex, options: ScanOptions) {
    const { sources, start, end } = options;
    this.#segments = segments;
    this.#native = native;
    const { lookup } = native;
    this.#memory = takeMemory(lookup.mergedScanBytes(sources));
    this.#options = options;
    lookup.beginMergedScan(this.#memory, sources, flagsOf(options), start?.key, end?.key);
  }

  fill(source: number, block: KeyBlock, place: number): void {
    const { bytes, count, slot, firstIndex } = block;
    this.#blocks[source] = block;
    this.#native.lookup.fillMergedScan(this.#memory, source, bytes, count, place, slot, firstIndex);
  }

  run(into: unknown[], count: number): number {
    const { lookup, maps } = this.#native;
    let skip = false;
    for (;;) {
      const most = Math.min(count - into.length, MOST);
      const page = lookup.runMergedScan(this.#memory, most, PAGE, skip);
      if (PAGE[ENTRIES]! > 0) this.#show(into, page!);
      const stop = PAGE[STOP]! | 0;
      if (stop !== SCAN_ASK) return stop;
      const position = positionOf(PAGE[SLOT]!, PAGE[OFFSET]! * 8);
      skip = !maps.cover(position);
      if (skip) this.#showOne(into, new Uint8Array(page!), position);
    }
  }

  close(): void {
    if (SPARE.length < MOST_SPARE) SPARE.push(this.#memory);
    this.#memory = EMPTY_BYTES;
  }

  /** Makes of a page what is given out. */
  #show(into: unknown[], page: ArrayBuffer): void {
    this.bytes += page.byteLength;
    const end = LENGTHS + 2 * PAGE[ENTRIES]!;
    let at = 0;
    if (this.#options.shape === 'pairs') {
      for (let length = LENGTHS; length < end; length += 2) {
        const keyEnd = at + PAGE[length]!;
        const valueLength = PAGE[length + 1]!;
        const key = new Uint8Array(page, at, keyEnd - at);
        into.push([key, new Uint8Array(page, keyEnd, valueLength)]);
        at = keyEnd + valueLength;
      }
      return;
    }
    for (let length = LENGTHS; length < end; length += 2) {
      // One of the two is not in the page.
      const bytes = PAGE[length]! + PAGE[length + 1]!;
      into.push(new Uint8Array(page, at, bytes));
      at += bytes;
    }
  }

  /** A record that C does not read. */
  #showOne(into: unknown[], key: Uint8Array, position: Position): void {
    const index = PAGE[INDEX]! + PAGE[INDEX + 1]! * 2 ** 32;
    const value = copyOf(readEntry(this.#segments, { key, position, index }).value);
    into.push(this.#options.shape === 'values' ? value : [key, value]);
    this.bytes += key.length + value.length;
  }
}

function takeMemory(bytes: number): Uint8Array {
  const spare = SPARE.pop();
  if (spare !== undefined && spare.length >= bytes) return spare;
  return allocate(Math.max(bytes, FIRST_MEMORY));
}

function flagsOf({ shape, reverse, start, end }: ScanOptions): number {
  let flags = reverse ? SCAN_FLAGS.reverse : 0;
  if (shape === 'keys') flags |= SCAN_FLAGS.keys;
  if (shape === 'values') flags |= SCAN_FLAGS.values;
  if (start !== undefined) flags |= SCAN_FLAGS.fromStart;
  if (start?.inclusive === true) flags |= SCAN_FLAGS.startInclusive;
  if (end !== undefined) flags |= SCAN_FLAGS.toEnd;
  if (end?.inclusive === true) flags |= SCAN_FLAGS.endInclusive;
  return flags;
}
