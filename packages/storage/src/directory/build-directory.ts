import { join } from 'node:path';
import type { SealedSegment } from '../log/log-writer.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { directoryName } from './directory-format.js';
import { encodeDirectory, type Piece } from './encode-directory.js';
import { readSealedSegment } from './sealed-segment.js';
import type { Pause } from './segment-keys.js';

/** What a file is called until it is whole. What a crash leaves of it is removed at the next start. */
export const DRAFT_SUFFIX = '.tmp';
/** Blocks written between two pauses. */
const BLOCKS_AT_ONCE = 16;

/**
 * Makes the key directory of a sealed segment. It is there as a whole, durable, or not at all: it
 * is written under another name, flushed and renamed. It tells nothing that the segment does not,
 * so a start that finds none reads the segment instead. Throws `DLE_CORRUPT`, `DLE_DISK_FULL`,
 * `DLE_IO`.
 */
export async function buildDirectory(
  vfs: Vfs,
  directory: string,
  segment: SealedSegment,
  pause: Pause,
): Promise<void> {
  const content = await readSealedSegment(vfs, directory, segment, pause);
  const path = join(directory, directoryName(segment.id));
  const draft = `${path}${DRAFT_SUFFIX}`;
  const file = vfs.createSync(draft);
  try {
    await write(file, encodeDirectory(content), pause);
    await file.datasync();
    await file.close();
    await vfs.rename(draft, path);
  } catch (thrown) {
    await file.close();
    await vfs.unlink(draft);
    throw thrown;
  }
  await vfs.syncDirectory(directory);
}

async function write(file: VfsFile, pieces: Iterable<Piece>, pause: Pause): Promise<void> {
  let count = 0;
  for (const { offset, bytes } of pieces) {
    file.writeSync([bytes], offset);
    if (++count % BLOCKS_AT_ONCE === 0) await pause();
  }
}
