import { assert } from '@dle/common';
import type { LiveBytes } from '../compaction/live-bytes.js';
import { type BlockMerge, TypescriptMerge } from '../directory/block-merge.js';
import type { KeyIndex } from '../key-index/key-index.js';
import {
  NO_POSITION,
  type Position,
  positionOf,
  type SegmentSlots,
  slotOf,
} from '../key-index/position.js';
import type { EntryBatch } from '../log/entry-batch.js';
import type { LogEntries } from '../log/log-entries.js';
import { RecordView, recordBytes } from '../log/record.js';
import { RecordKind } from '../log/record-kinds.js';
import type { NativeIndex } from './native-index.js';
import { NativeMerge } from './native-merge.js';
import type { SegmentReader } from './segment-reader.js';

/**
 * Told the index of an entry whenever a delete in it has found its key; `isCertain` is false where
 * that may be so, for a record that cannot be read may have been the one.
 */
export type OnFound = (index: number, isCertain: boolean) => void;

/** Behind the last record that has been applied one by one; segment 0: there is none. */
export interface AppliedEnd {
  readonly segment: number;
  readonly offset: number;
}

export interface KeyspaceComponents {
  readonly index: KeyIndex;
  readonly slots: SegmentSlots;
  readonly live: LiveBytes;
  /** The records that the index leads to. */
  readonly segments: SegmentReader;
  readonly native: NativeIndex | undefined;
}

/** The keys of a log: they learn where records lie as entries are applied, in order. */
export class Keyspace {
  readonly #index: KeyIndex;
  readonly #slots: SegmentSlots;
  readonly #live: LiveBytes;
  readonly #segments: SegmentReader;
  readonly #native: NativeIndex | undefined;
  #appliedIndex = 0;
  #end: AppliedEnd = { segment: 0, offset: 0 };
  #left: AppliedEnd[] = [];

  constructor({ index, slots, live, segments, native }: KeyspaceComponents) {
    this.#index = index;
    this.#slots = slots;
    this.#live = live;
    this.#segments = segments;
    this.#native = native;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** Where in the log the records end that have been applied. */
  get end(): AppliedEnd {
    return this.#end;
  }

  /** The segments that have been applied to their ends since it was last asked. */
  takeLeft(): readonly AppliedEnd[] {
    const left = this.#left;
    if (left.length > 0) this.#left = [];
    return left;
  }

  get size(): number {
    return this.#index.size;
  }

  /** Bytes of memory of the index. */
  get indexBytes(): number {
    return this.#index.bytes;
  }

  positions(): Float64Array {
    return this.#index.positions();
  }

  /** Applies the entries up to `index` of a log that holds them. */
  applyUpTo(entries: LogEntries, index: number, onFound?: OnFound): void {
    if (index <= this.#appliedIndex) return;
    entries.visit(this.#appliedIndex + 1, index, (batch, from, to) => {
      this.apply(entries, batch.slice(from, to), onFound);
    });
  }

  /** Applies `batch`, the next entries; `entries` knows where they lie. */
  apply(entries: LogEntries, batch: EntryBatch, onFound?: OnFound): void {
    const { lastIndex } = batch;
    for (let index = batch.firstIndex; index <= lastIndex; ) {
      const segment = entries.segmentAt(index);
      const from = batch.offsetAt(index);
      const shift = entries.offsetAt(index) - from;
      // Entries of one frame lie as close together there as here.
      do index++;
      while (
        index <= lastIndex &&
        entries.segmentAt(index) === segment &&
        entries.offsetAt(index) - batch.offsetAt(index) === shift
      );
      const to = batch.offsetAt(index);
      const slot = this.#slots.slotOf(segment);
      this.#applyRun(batch.bytes, from, to, { slot, shift, onFound });
      if (segment !== this.#end.segment && this.#end.segment !== 0) this.#left.push(this.#end);
      this.#end = { segment, offset: to + shift };
    }
    this.#appliedIndex = lastIndex;
  }

  /** All that was there has been taken in: from now on records are read through maps. */
  async recovered(): Promise<void> {
    await this.#native?.maps.begin();
  }

  /** A merge of so many directories, whose keys are added; there must be none yet. */
  merge(sources: number): BlockMerge {
    assert(this.#index.size === 0, 'there are keys');
    if (this.#native !== undefined) return new NativeMerge(this.#native, this.#index, sources);
    const live = this.#live;
    return new TypescriptMerge((entry, _source, slot) => {
      const bytes = recordBytes(entry.keyEnd - entry.keyStart, entry.valueLength);
      if (entry.kind === RecordKind.put) {
        this.#index.add(entry.key, positionOf(slot, entry.recordOffset));
        live.add(slot, bytes);
      } else {
        live.addTombstone(slot, bytes);
      }
    });
  }

  slotOf(segment: number): number {
    return this.#slots.slotOf(segment);
  }

  /** Forgets all keys. */
  clear(): void {
    this.#index.clear();
    this.#live.clearAll();
  }

  /** All entries up to `index` have been taken in; 0: no more than before. */
  restored(index: number): void {
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
  }

  /** The index has just held the record at `position` against a key: it counts no more. */
  #replaced(position: Position): void {
    this.#live.subtract(slotOf(position), this.#segments.heldBytes);
  }

  #applyRun(
    bytes: Uint8Array,
    from: number,
    to: number,
    { slot, shift, onFound }: { slot: number; shift: number; onFound: OnFound | undefined },
  ): void {
    const record = new RecordView(bytes);
    for (let at = from; at < to; at = record.end) {
      if (this.#native !== undefined) {
        at = this.#native.lookup.putRecords(bytes, at, to, slot, shift);
        this.#index.grewBy(this.#native.results[0]!);
        if (at === to) return;
      }
      record.moveTo(at);
      if (record.kind === RecordKind.put) {
        const previous = this.#index.set(record.key, positionOf(slot, at + shift));
        this.#live.add(slot, record.end - at);
        // The next record that is replaced there is one for C.
        if (previous !== NO_POSITION) this.#native?.maps.cover(previous);
        if (previous !== NO_POSITION) this.#replaced(previous);
      } else if (record.kind === RecordKind.delete) {
        const { unreadable } = this.#segments;
        const previous = this.#index.delete(record.key);
        this.#live.addTombstone(slot, record.end - at);
        if (previous !== NO_POSITION) {
          this.#replaced(previous);
          onFound?.(record.index, true);
        } else if (this.#segments.unreadable > unreadable) onFound?.(record.index, false);
      }
    }
  }
}
