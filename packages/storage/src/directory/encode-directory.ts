import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  ENTRY_BYTES,
  encodeDirectoryHeader,
  entryBytes,
  sealBlock,
} from './directory-format.js';
import type { SegmentContent } from './sealed-segment.js';

/**
 * The bytes of a key directory, piece by piece: the header, then the blocks. Each piece is good
 * until the next is asked for. The same segment always gives the same bytes.
 */
export function* encodeDirectory(content: SegmentContent): Generator<Uint8Array, void> {
  const { checkpoint, firstIndex, keys } = content;
  const blocks = countBlocks(content);
  yield encodeDirectoryHeader({ ...checkpoint, keys: keys.size, blocks, firstIndex });
  const bytes = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(bytes.buffer);
  let place = 0;
  for (let number = 0; number < blocks; number++) {
    bytes.fill(0);
    const first = place;
    let at = BLOCK_HEADER_BYTES;
    for (; place < keys.size; place++) {
      const key = keys.keyAt(place);
      const end = at + entryBytes(key.length);
      if (end > BLOCK_BYTES) break;
      view.setUint32(at, keys.offsetAt(place), true);
      view.setUint32(at + 4, keys.indexAt(place) - firstIndex, true);
      view.setUint32(at + 8, keys.valueLengthAt(place), true);
      view.setUint16(at + 12, key.length, true);
      view.setUint8(at + 14, keys.kindAt(place));
      bytes.set(key, at + ENTRY_BYTES);
      at = end;
    }
    const length = at - BLOCK_HEADER_BYTES;
    sealBlock(bytes, { segment: checkpoint.segment, number, count: place - first, length });
    yield bytes;
  }
}

function countBlocks({ keys }: SegmentContent): number {
  let blocks = 0;
  let free = 0;
  for (let place = 0; place < keys.size; place++) {
    const needed = entryBytes(keys.keyAt(place).length);
    if (needed > free) {
      blocks++;
      free = BLOCK_BYTES - BLOCK_HEADER_BYTES;
    }
    free -= needed;
  }
  return blocks;
}
