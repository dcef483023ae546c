import { assert } from '@dle/common';
import type { DeadExtent } from './dead-extents.js';
import type { EntryBatch } from './entry-batch.js';
import { TermRuns } from './term-runs.js';

/**
 * Entries in one chunk: memory comes and goes in pieces of 48 KiB, with no copying and no object
 * per entry.
 */
const CHUNK_ENTRIES = 4_096;
const FIELDS = 3;

/** Where each entry of the log lies, its size and its term. */
export class EntryTable {
  readonly #terms = new TermRuns();
  readonly #chunks: Uint32Array[] = [];
  /** Bytes of the entries before each chunk, counted from where the table began. */
  readonly #bytesBefore: number[] = [];
  /** Bytes of all entries up to the last, counted from there. */
  #bytes = 0;
  /** Number of the first chunk held; chunk n holds the indexes from n * CHUNK_ENTRIES on. */
  #firstChunk = 0;
  #firstIndex = 1;
  #lastIndex = 0;
  #opaque: number[] = [];

  get firstIndex(): number {
    return this.#firstIndex;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Of the entries held that have an opaque record, rising. */
  get opaqueIndexes(): readonly number[] {
    return this.#opaque;
  }

  /** Adds the entries `from` to `to` of `batch`, which lie one after the other from `offset` on. */
  add(batch: EntryBatch, from: number, to: number, segment: number, offset: number): void {
    assert(from === this.#lastIndex + 1, `entry ${from} after ${this.#lastIndex}`);
    assert(segment <= 0xffff_ffff, `segment ${segment}`);
    const begin = batch.offsetAt(from);
    let at = begin;
    for (let index = from; index <= to; index++) {
      const chunk = this.#chunkFor(index, at - begin);
      const place = (index % CHUNK_ENTRIES) * FIELDS;
      const next = batch.offsetAt(index + 1);
      chunk[place] = segment;
      chunk[place + 1] = offset + (at - begin);
      chunk[place + 2] = next - at;
      at = next;
    }
    this.#bytes += at - begin;
    this.#addTerms(batch, from, to);
    for (const index of batch.opaqueIndexes) {
      if (index >= from && index <= to) this.#opaque.push(index);
    }
    this.#lastIndex = to;
  }

  /** Goes on behind `index`, of whose term alone it knows; it must not hold any entry. */
  resumeAfter(index: number, term: number): void {
    assert(this.#firstIndex > this.#lastIndex, 'there are entries');
    assert(index >= this.#lastIndex, `entry ${index} after ${this.#lastIndex}`);
    this.#lastIndex = index;
    this.#firstIndex = index + 1;
    this.#firstChunk = chunkOf(index + 1);
    this.#chunks.length = 0;
    this.#bytesBefore.length = 0;
    this.#opaque = [];
    this.#terms.add(index, term);
  }

  /** Forgets the entries from `index` on: others take their place. */
  truncate(index: number): void {
    assert(index >= this.#firstIndex && index <= this.#lastIndex, `truncated at ${index}`);
    this.#terms.truncate(index);
    while (this.#opaque.length > 0 && this.#opaque.at(-1)! >= index) this.#opaque.pop();
    this.#bytes -= this.bytesFrom(index);
    this.#lastIndex = index - 1;
    this.#chunks.length = Math.max(0, chunkOf(this.#lastIndex) - this.#firstChunk + 1);
    this.#bytesBefore.length = this.#chunks.length;
  }

  /** Forgets the entries below `index`, but for the term of the last of them. */
  releaseBelow(index: number): void {
    assert(index <= this.#lastIndex + 1, `released below ${index}`);
    if (index <= this.#firstIndex) return;
    this.#firstIndex = index;
    this.#terms.releaseBelow(index - 1);
    const keep = this.#opaque.findIndex((opaque) => opaque >= index);
    if (this.#opaque.length > 0) this.#opaque = keep < 0 ? [] : this.#opaque.slice(keep);
    const chunk = chunkOf(index);
    if (chunk === this.#firstChunk) return;
    this.#chunks.splice(0, chunk - this.#firstChunk);
    this.#bytesBefore.splice(0, chunk - this.#firstChunk);
    this.#firstChunk = chunk;
  }

  /** 0 at index 0. Known from `firstIndex - 1` on. */
  termAt(index: number): number {
    assert(index >= this.#firstIndex - 1 && index <= this.#lastIndex, `no entry ${index}`);
    return this.#terms.termAt(index);
  }

  segmentAt(index: number): number {
    return this.#field(index, 0);
  }

  offsetAt(index: number): number {
    return this.#field(index, 1);
  }

  bytesAt(index: number): number {
    return this.#field(index, 2);
  }

  /** Of the entries from `index` on together. */
  bytesFrom(index: number): number {
    assert(index >= this.#firstIndex && index <= this.#lastIndex + 1, `no entry ${index}`);
    if (index > this.#lastIndex) return 0;
    const number = chunkOf(index) - this.#firstChunk;
    const chunk = this.#chunks[number]!;
    let before = this.#bytesBefore[number]!;
    // Of a chunk that was begun in its middle, the places before that are zero.
    const end = (index % CHUNK_ENTRIES) * FIELDS;
    for (let place = 2; place < end; place += FIELDS) before += chunk[place]!;
    return this.#bytes - before;
  }

  /** Where the entries from `index` on lie: from the first to the last of them in each segment. */
  extentsFrom(index: number): DeadExtent[] {
    const extents: { segment: number; from: number; to: number }[] = [];
    for (let at = index; at <= this.#lastIndex; at++) {
      const segment = this.segmentAt(at);
      const from = this.offsetAt(at);
      const to = from + this.bytesAt(at);
      const last = extents.at(-1);
      if (last?.segment === segment) last.to = to;
      else extents.push({ segment, from, to });
    }
    return extents;
  }

  #field(index: number, field: number): number {
    assert(index >= this.#firstIndex && index <= this.#lastIndex, `no entry ${index}`);
    return this.#chunks[chunkOf(index) - this.#firstChunk]![
      (index % CHUNK_ENTRIES) * FIELDS + field
    ]!;
  }

  #addTerms(batch: EntryBatch, from: number, to: number): void {
    const last = batch.termAt(to);
    // Terms never fall: mostly, all are that of the first.
    for (let index = from; ; index++) {
      const term = batch.termAt(index);
      this.#terms.add(index, term);
      if (term === last) return;
    }
  }

  /** `before`: bytes of those that are being added and come before it. */
  #chunkFor(index: number, before: number): Uint32Array {
    const place = chunkOf(index) - this.#firstChunk;
    let chunk = this.#chunks[place];
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK_ENTRIES * FIELDS);
      this.#chunks[place] = chunk;
      this.#bytesBefore[place] = this.#bytes + before;
    }
    return chunk;
  }
}

function chunkOf(index: number): number {
  return Math.floor(index / CHUNK_ENTRIES);
}
