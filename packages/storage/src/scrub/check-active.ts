import { DleError } from '@dle/common';
import { ChunkReader, type ReadableFile } from '../log/chunk-reader.js';
import type { Log } from '../log/log.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES } from '../log/segment-header.js';
import { scanSegment } from '../log/segment-scan.js';
import type { FoundDamage } from './found-damage.js';
import { READ_BYTES } from './paced-file.js';

/**
 * Reads the segment that is being written to, up to what was flushed when this began, and notes the
 * first place that is damaged; which entries that harms is not known. Throws `DLE_IO`, and
 * `DLE_CORRUPT` if it does not begin as it should.
 */
export async function checkActive(
  file: ReadableFile,
  id: number,
  { flushed, storeId }: Pick<Log, 'flushed' | 'storeId'>,
  note: (damage: FoundDamage) => void,
): Promise<void> {
  const { path } = file;
  const reader = new ChunkReader(file, READ_BYTES);
  const bytes = await reader.read(0, SEGMENT_HEADER_BYTES);
  const header = readSegmentHeader(bytes, id, { name: path, offset: 0 });
  if (header?.storeId !== storeId) {
    throw new DleError('DLE_CORRUPT', `${path}: no header of a segment of this store`);
  }
  const chain = { sequence: header.firstSequence - 1, checksum: header.previousChecksum };
  const scan = await scanSegment(reader, { id, path }, chain, flushed, () => undefined);
  if (scan.chain.sequence >= flushed) return;
  const why = scan.damage ?? new Error('a frame is damaged or missing');
  const { details, message } = DleError.from(why);
  note({ kind: 'segment', file: path, offset: Number(details?.offset ?? scan.offset), message });
}
