import { EMPTY_BYTES } from '@dle/common';
import { allocate } from '../bytes.js';
import type { RecordView } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { KeyEntry } from './block-builder.js';
import { DirectoryEncoder } from './directory-encoder.js';
import type { DirectoryCounts, DirectoryKeys, Pause } from './directory-keys.js';
import { sortInRuns } from './sort-in-runs.js';

const FIRST_CAPACITY = 1_024;
const FIRST_KEY_BYTES = 16 * 1_024;

/**
 * The newest record of every key in a segment: no object for a key, but columns of numbers and one
 * piece of memory for the keys.
 */
export class SegmentKeys implements DirectoryKeys {
  #count = 0;
  #offsets = new Uint32Array(FIRST_CAPACITY);
  #indexes = new Float64Array(FIRST_CAPACITY);
  #valueLengths = new Uint32Array(FIRST_CAPACITY);
  #kinds = new Uint8Array(FIRST_CAPACITY);
  /** Where each key begins among the bytes of all; one more than keys. */
  #starts = new Uint32Array(FIRST_CAPACITY + 1);
  #keys: Uint8Array = allocate(FIRST_KEY_BYTES);
  /** Bytes that all keys begin with: they need not be compared. */
  #common = Number.POSITIVE_INFINITY;
  #order: Uint32Array = new Uint32Array(0);
  readonly #entry: { -readonly [Field in keyof KeyEntry]: KeyEntry[Field] } = {
    bytes: EMPTY_BYTES,
    keyStart: 0,
    keyEnd: 0,
    recordOffset: 0,
    index: 0,
    valueLength: 0,
    kind: RecordKind.put,
  };

  get size(): number {
    return this.#order.length;
  }

  addFrame(): undefined {}

  add(record: RecordView, offset: number): void {
    const at = this.#count++;
    if (at === this.#offsets.length) this.#grow();
    const { key } = record;
    const start = this.#starts[at]!;
    const end = start + key.length;
    if (end > this.#keys.length) this.#growKeys(end);
    this.#keys.set(key, start);
    this.#starts[at + 1] = end;
    this.#offsets[at] = offset / 8;
    this.#indexes[at] = record.index;
    this.#valueLengths[at] = record.valueLength;
    this.#kinds[at] = record.kind;
    this.#common = Math.min(this.#common, this.#commonWithFirst(start, end));
  }

  async sort(pause: Pause): Promise<void> {
    const order = Uint32Array.from({ length: this.#count }, (_, at) => at);
    this.#keepNewest(await sortInRuns(order, (a, b) => this.#compare(a, b) || a - b, pause));
  }

  /** As `sort`, at once: for not many. */
  sortNow(): void {
    const order = Uint32Array.from({ length: this.#count }, (_, at) => at);
    this.#keepNewest(order.sort((a, b) => this.#compare(a, b) || a - b));
  }

  /** The one at `place` in the order; good until the next call. */
  entryAt(place: number): KeyEntry {
    const at = this.#order[place]!;
    const entry = this.#entry;
    entry.bytes = this.#keys;
    entry.keyStart = this.#starts[at]!;
    entry.keyEnd = this.#starts[at + 1]!;
    entry.recordOffset = this.#offsets[at]! * 8;
    entry.index = this.#indexes[at]!;
    entry.valueLength = this.#valueLengths[at]!;
    entry.kind = this.#kinds[at] as RecordKind;
    return entry;
  }

  *blocks(segment: number, firstIndex: number): Generator<Uint8Array, DirectoryCounts> {
    const encoder = new DirectoryEncoder(segment, firstIndex);
    for (let place = 0; place < this.size; place++) {
      const bytes = encoder.add(this.entryAt(place));
      if (bytes !== undefined) yield bytes;
    }
    yield* encoder.finish();
    return encoder.counts;
  }

  release(): void {}

  #keepNewest(sorted: Uint32Array): void {
    let size = 0;
    for (let place = 0; place < sorted.length; place++) {
      const at = sorted[place]!;
      const isLast = place + 1 === sorted.length || this.#compare(at, sorted[place + 1]!) !== 0;
      if (isLast) sorted[size++] = at;
    }
    this.#order = sorted.subarray(0, size);
  }

  #compare(a: number, b: number): number {
    const keys = this.#keys;
    const startA = this.#starts[a]!;
    const startB = this.#starts[b]!;
    const lengthA = this.#starts[a + 1]! - startA;
    const lengthB = this.#starts[b + 1]! - startB;
    const shorter = Math.min(lengthA, lengthB);
    for (let at = this.#common; at < shorter; at++) {
      const difference = keys[startA + at]! - keys[startB + at]!;
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }

  #commonWithFirst(start: number, end: number): number {
    const keys = this.#keys;
    const most = Math.min(this.#common, end - start, this.#starts[1]!);
    let length = 0;
    while (length < most && keys[start + length] === keys[length]) length++;
    return length;
  }

  #grow(): void {
    const capacity = this.#offsets.length * 2;
    this.#offsets = copyInto(new Uint32Array(capacity), this.#offsets);
    this.#indexes = copyInto(new Float64Array(capacity), this.#indexes);
    this.#valueLengths = copyInto(new Uint32Array(capacity), this.#valueLengths);
    this.#kinds = copyInto(new Uint8Array(capacity), this.#kinds);
    this.#starts = copyInto(new Uint32Array(capacity + 1), this.#starts);
  }

  #growKeys(needed: number): void {
    this.#keys = copyInto(allocate(Math.max(needed, this.#keys.length * 2)), this.#keys);
  }
}

function copyInto<Column extends Uint8Array | Uint32Array | Float64Array>(
  larger: Column,
  column: Column,
): Column {
  larger.set(column);
  return larger;
}
