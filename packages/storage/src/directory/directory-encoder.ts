import { assert } from '@dle/common';
import { RecordKind } from '../log/record-kinds.js';
import { BlockBuilder, type KeyEntry } from './block-builder.js';
import type { DirectoryCounts } from './directory-keys.js';
import { Fences } from './fences.js';

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
  readonly #fences: Fences;
  #keys = 0;
  #tombstones = 0;
  #blocks = 0;

  /** No index of an entry is lower than `firstIndex`, which the header must name. */
  constructor(segment: number, firstIndex: number) {
    this.#segment = segment;
    this.#firstIndex = firstIndex;
    this.#fences = new Fences(segment);
  }

  /** What the header says, once `finish` has come to its end. */
  get counts(): DirectoryCounts {
    const fences = this.#fences.count;
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
    if (this.#filling.count === 0) this.#fences.add(entry);
    this.#filling.add(entry, relativeIndex);
    this.#keys++;
    if (entry.kind === RecordKind.delete) this.#tombstones++;
    return full;
  }

  /** No more keys come: the blocks that are left, those of fences last. */
  *finish(): Generator<Uint8Array, void> {
    if (this.#filling.count > 0) yield this.#seal();
    yield* this.#fences.finish();
  }

  #seal(): Uint8Array {
    const full = this.#filling;
    this.#filling = this.#full;
    this.#full = full;
    this.#filling.clear();
    return full.seal(this.#segment, this.#blocks++);
  }
}
