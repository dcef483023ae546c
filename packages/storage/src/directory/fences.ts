import { RecordKind } from '../log/record-kinds.js';
import { BlockBuilder, type KeyEntry } from './block-builder.js';

/** The first keys of the blocks of a key directory, in blocks of their own. */
export class Fences {
  readonly #segment: number;
  readonly #builders: BlockBuilder[] = [];
  #blocks = 0;

  constructor(segment: number) {
    this.#segment = segment;
  }

  /** Blocks of them: none where there is one block of keys, in which there is nothing to find. */
  get count(): number {
    return this.#blocks < 2 ? 0 : this.#builders.length;
  }

  /** The next block of keys begins with this one. */
  add({ bytes, keyStart, keyEnd }: Pick<KeyEntry, 'bytes' | 'keyStart' | 'keyEnd'>): void {
    let last = this.#builders.at(-1);
    if (last === undefined || !last.hasRoomFor(keyEnd - keyStart)) {
      last = new BlockBuilder();
      this.#builders.push(last);
    }
    const recordOffset = this.#blocks++ * 8;
    const { put: kind } = RecordKind;
    last.add({ bytes, keyStart, keyEnd, recordOffset, valueLength: 0, kind }, 0);
  }

  /** Their blocks, which follow those of the keys. */
  *finish(): Generator<Uint8Array, void> {
    for (const [number, builder] of this.#builders.slice(0, this.count).entries()) {
      yield builder.seal(this.#segment, this.#blocks + number);
    }
  }
}
