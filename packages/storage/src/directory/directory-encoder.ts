import { assert } from '@dle/common';
import { RecordKind } from '../log/record-kinds.js';
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
class BlockBuilder {
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

/**
 * Makes the blocks of a key directory of keys that come in their order. The header, which says how
 * many there are, is written when all have come. Makes nothing for a key.
 */
export class DirectoryEncoder {
  readonly #segment: number;
  readonly #firstIndex: number;
  #filling = new BlockBuilder();
  /** Handed out: good until the next one is. */
  #full = new BlockBuilder();
  /** The first keys of the blocks. */
  readonly #fences: BlockBuilder[] = [];
  #keys = 0;
  #tombstones = 0;
  #blocks = 0;

  /** No index of an entry is lower than `firstIndex`, which the header must name. */
  constructor(segment: number, firstIndex: number) {
    this.#segment = segment;
    this.#firstIndex = firstIndex;
  }

  /** What the header says, once `finish` has come to its end. */
  get counts(): { keys: number; tombstones: number; blocks: number; fences: number } {
    const fences = this.#fences.length;
    return { keys: this.#keys, tombstones: this.#tombstones, blocks: this.#blocks, fences };
  }

  /**
   * Takes a key in, which is above all before. Returns the block before, if there was no room left
   * in it: the next one of the file, good until another is returned.
   */
  add(entry: KeyEntry): Uint8Array | undefined {
    const full = this.#filling.hasRoomFor(entry.keyEnd - entry.keyStart) ? undefined : this.#seal();
    const relativeIndex = entry.index - this.#firstIndex;
    assert(relativeIndex >= 0, `index ${entry.index} is lower than ${this.#firstIndex}`);
    if (this.#filling.count === 0) this.#addFence(entry);
    this.#filling.add(entry, relativeIndex);
    this.#keys++;
    if (entry.kind === RecordKind.delete) this.#tombstones++;
    return full;
  }

  /** No more keys come: the blocks that are left, those of fences last. */
  *finish(): Generator<Uint8Array, void> {
    if (this.#filling.count > 0) yield this.#seal();
    // Where there is one block there is nothing to find.
    if (this.#blocks < 2) this.#fences.length = 0;
    for (const [number, fences] of this.#fences.entries()) {
      yield fences.seal(this.#segment, this.#blocks + number);
    }
  }

  #addFence({ bytes, keyStart, keyEnd }: KeyEntry): void {
    let last = this.#fences.at(-1);
    if (last === undefined || !last.hasRoomFor(keyEnd - keyStart)) {
      last = new BlockBuilder();
      this.#fences.push(last);
    }
    const recordOffset = this.#blocks * 8;
    const { put: kind } = RecordKind;
    last.add({ bytes, keyStart, keyEnd, recordOffset, valueLength: 0, kind }, 0);
  }

  #seal(): Uint8Array {
    const full = this.#filling;
    this.#filling = this.#full;
    this.#full = full;
    this.#filling.clear();
    return full.seal(this.#segment, this.#blocks++);
  }
}
