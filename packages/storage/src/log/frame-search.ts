import type { ChunkReader } from './chunk-reader.js';
import { FRAME_HEADER_BYTES, FRAME_MAGIC, readFrameHeader } from './frame.js';

const STEP_BYTES = 256 * 1024;

/** What lies behind the end, or the damage, of a chain of frames. */
export interface Remains {
  /** Whether nothing lies there: only space taken in advance. */
  readonly empty: boolean;
  /** The highest `flushed` of the frames found there; 0 if there are none. */
  readonly flushed: number;
}

/**
 * Searches a segment from `from` on for frames, wherever they may begin. Stops at the first that
 * knows of a flushed frame after `sequence`: that is all there is to find out.
 */
export async function searchFrames(
  reader: ChunkReader,
  segment: { readonly id: number; readonly path: string },
  from: number,
  sequence: number,
): Promise<Remains> {
  let empty = true;
  let flushed = 0;
  for (let start = from; start < reader.size; start += STEP_BYTES) {
    // A header that begins in this step may end in the next one.
    const bytes = await reader.read(start, STEP_BYTES + FRAME_HEADER_BYTES);
    if (isZero(bytes)) continue;
    empty = false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const origin = { name: segment.path, offset: start };
    const end = Math.min(STEP_BYTES, bytes.length - 3);
    for (let at = 0; at < end; at += 8) {
      if (view.getUint32(at, true) !== FRAME_MAGIC) continue;
      const header = readFrameHeader(bytes, at, { segment: segment.id, origin });
      if (header !== undefined) flushed = Math.max(flushed, header.flushed);
      if (flushed > sequence) return { empty, flushed };
    }
  }
  return { empty, flushed };
}

const ZEROS: Buffer = Buffer.alloc(STEP_BYTES + FRAME_HEADER_BYTES);

function isZero(bytes: Uint8Array): boolean {
  return ZEROS.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}
