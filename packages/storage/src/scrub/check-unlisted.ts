import { DleError } from '@dle/common';
import { ChunkReader, type ReadableFile } from '../log/chunk-reader.js';
import type { Log } from '../log/log.js';
import { readSegmentHeader, SEGMENT_HEADER_BYTES } from '../log/segment-header.js';
import { scanSegment } from '../log/segment-scan.js';
import type { FoundDamage } from './found-damage.js';
import { READ_BYTES } from './paced-file.js';

/** A segment of the log that has no key directory to say what is in it. */
export interface UnlistedSegment {
  readonly id: number;
  /** The last frame in it that counts, or one behind it. */
  readonly lastSequence: number;
}

/**
 * Reads a segment up to where it counts and was flushed when this began, and notes the first place
 * that is damaged; which entries that harms is not known. Throws `DLE_IO`, and `DLE_CORRUPT` if it
 * does not begin as it should.
 */
export async function checkUnlisted(
  file: ReadableFile,
  { id, lastSequence }: UnlistedSegment,
  { storeId }: Pick<Log, 'storeId'>,
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
  const scan = await scanSegment(reader, { id, path }, chain, lastSequence, () => undefined);
  if (scan.chain.sequence >= lastSequence) return;
  const why = scan.damage ?? new Error('a frame is damaged or missing');
  const { details, message } = DleError.from(why);
  note({ kind: 'segment', file: path, offset: Number(details?.offset ?? scan.offset), message });
}
