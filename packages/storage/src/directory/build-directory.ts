import { join } from 'node:path';
import { EMPTY_BYTES } from '@dle/common';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { type DirectoryHeader, directoryName, readDirectoryHeader } from './directory-format.js';
import type { Pause } from './directory-keys.js';
import { encodeDirectory, type Piece } from './encode-directory.js';
import { type Listed, readSealedSegment, type SegmentContent } from './sealed-segment.js';
import { readSortedSegment } from './sorted-content.js';

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
  segment: Listed,
  pause: Pause,
): Promise<DirectoryHeader> {
  const content = await readListed(vfs, directory, segment, pause);
  const path = join(directory, directoryName(segment.id));
  const draft = `${path}${DRAFT_SUFFIX}`;
  const file = vfs.createSync(draft);
  let head: Uint8Array;
  try {
    head = await write(file, encodeDirectory(content), pause);
    await file.datasync();
    await file.close();
    await vfs.rename(draft, path);
  } catch (thrown) {
    await file.close();
    await vfs.unlink(draft);
    throw thrown;
  }
  content.keys.release();
  await vfs.syncDirectory(directory);
  return readDirectoryHeader(head, segment.id, { name: path, offset: 0 });
}

/** Reads all of a sealed file, verified. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`. */
export function readListed(
  vfs: Vfs,
  directory: string,
  segment: Listed,
  pause: Pause,
): Promise<SegmentContent> {
  if (segment.sorted === true) return readSortedSegment(vfs, directory, segment.id, pause);
  return readSealedSegment(vfs, directory, segment, pause);
}

/** Returns the header, which comes last. */
async function write(file: VfsFile, pieces: Iterable<Piece>, pause: Pause): Promise<Uint8Array> {
  let count = 0;
  let last: Uint8Array = EMPTY_BYTES;
  for (const { offset, bytes } of pieces) {
    file.writeSync([bytes], offset);
    last = bytes;
    if (++count % BLOCKS_AT_ONCE === 0) await pause();
  }
  return last;
}
