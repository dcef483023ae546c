import type { SealedSegment } from '../log/log-writer.js';
import type { Vfs } from '../vfs/vfs.js';
import { type Block, readBlock } from './directory-block.js';
import type { BlockSource } from './directory-file.js';
import { encodeDirectory, type Piece } from './encode-directory.js';
import { readSealedSegment, type SegmentContent } from './sealed-segment.js';
import type { Pause } from './segment-keys.js';

/** The blocks that the key directory of a segment should have, made from the segment itself. */
export class SegmentBlocks implements BlockSource {
  readonly segment: number;
  readonly firstIndex: number;
  readonly #pieces: Iterator<Piece>;
  #keys: number;
  #number = 0;

  /** Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`. */
  static async read(
    vfs: Vfs,
    directory: string,
    sealed: SealedSegment,
    pause: Pause,
  ): Promise<SegmentBlocks> {
    const content = await readSealedSegment(vfs, directory, sealed, pause);
    return new SegmentBlocks(content);
  }

  private constructor(content: SegmentContent) {
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
