import { type Block, readBlock } from './directory-block.js';
import type { BlockSource } from './directory-file.js';
import { encodeDirectory, type Piece } from './encode-directory.js';
import type { SegmentContent } from './sealed-segment.js';

/** The blocks that the key directory of a segment should have, made from the segment itself. */
export class SegmentBlocks implements BlockSource {
  readonly segment: number;
  readonly firstIndex: number;
  readonly #pieces: Iterator<Piece>;
  #keys: number;
  #number = 0;

  constructor(content: SegmentContent) {
    this.segment = content.checkpoint.segment;
    this.firstIndex = content.firstIndex;
    this.#pieces = encodeDirectory(content);
    this.#keys = content.keys.size;
  }

  async next(): Promise<Block | undefined> {
    // What comes behind the keys is of no use here.
    if (this.#keys === 0) return undefined;
    const { bytes } = this.#pieces.next().value as Piece;
    const origin = { name: `keys of segment ${this.segment}`, offset: 0 };
    const block = readBlock(Uint8Array.from(bytes), this.segment, this.#number++, origin);
    this.#keys -= block.count;
    return block;
  }

  async close(): Promise<void> {}
}
