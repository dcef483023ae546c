import { BLOCK_BYTES } from './directory-block.js';
import { DirectoryEncoder } from './directory-encoder.js';
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
  const encoder = new DirectoryEncoder(checkpoint.segment, firstIndex);
  let offset = DIRECTORY_HEADER_BYTES;
  for (let place = 0; place < keys.size; place++) {
    const bytes = encoder.add(keys.entryAt(place));
    if (bytes === undefined) continue;
    yield { offset, bytes };
    offset += BLOCK_BYTES;
  }
  for (const bytes of encoder.finish()) {
    yield { offset, bytes };
    offset += BLOCK_BYTES;
  }
  const header = { ...checkpoint, ...encoder.counts, sorted, firstIndex };
  yield { offset: 0, bytes: encodeDirectoryHeader(header) };
}
