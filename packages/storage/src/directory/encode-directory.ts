import { BLOCK_BYTES } from './directory-block.js';
import { DIRECTORY_HEADER_BYTES, encodeDirectoryHeader } from './directory-format.js';
import type { SegmentContent } from './sealed-segment.js';

/** Bytes of a directory, and where in it they belong. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * The bytes of the key directory of a sealed segment, piece by piece: the blocks one after the
 * other, and the header at last. Each piece is good until the next is asked for. The same segment
 * always gives the same bytes.
 */
export function* encodeDirectory(content: SegmentContent): Generator<Piece, void> {
  const { checkpoint, firstIndex, keys, sorted } = content;
  const blocks = keys.blocks(checkpoint.segment, firstIndex);
  let offset = DIRECTORY_HEADER_BYTES;
  let next = blocks.next();
  for (; next.done !== true; next = blocks.next()) {
    yield { offset, bytes: next.value };
    offset += BLOCK_BYTES;
  }
  const header = { ...checkpoint, ...next.value, sorted, firstIndex };
  yield { offset: 0, bytes: encodeDirectoryHeader(header) };
}
