import type { SealedSegment } from '../log/log-writer.js';
import type { Vfs } from '../vfs/vfs.js';
import type { BlockSource } from './directory-file.js';
import { type Block, readBlock } from './directory-format.js';
import { encodeDirectory } from './encode-directory.js';
import { readSealedSegment, type SegmentContent } from './sealed-segment.js';
import type { Pause } from './segment-keys.js';

/** The blocks that the key directory of a segment should have, made from the segment itself. */
export class SegmentBlocks implements BlockSource {
  readonly segment: number;
  readonly firstIndex: number;
  readonly #pieces: Iterator<Uint8Array>;
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
    // The header.
    this.#pieces.next();
  }

  async next(): Promise<Block | undefined> {
    const piece = this.#pieces.next();
    if (piece.done === true) return undefined;
    const origin = { name: `keys of segment ${this.segment}`, offset: 0 };
    return readBlock(Uint8Array.from(piece.value), this.segment, this.#number++, origin);
  }

  async close(): Promise<void> {}
}
