import { DleError, isDleError } from '@dle/common';
import { BLOCK_BYTES, readBlock } from '../directory/directory-block.js';
import {
  DIRECTORY_HEADER_BYTES,
  directoryBytes,
  readDirectoryHeader,
} from '../directory/directory-format.js';
import { corrupt } from '../errors.js';
import { ChunkReader, type ReadableFile } from '../log/chunk-reader.js';
import type { FoundDamage } from './found-damage.js';
import { READ_BYTES } from './paced-file.js';

/**
 * Reads all of the key directory of `segment`, and notes every block that is damaged. Throws
 * `DLE_IO`, `DLE_FORMAT`.
 */
export async function checkDirectory(
  file: ReadableFile,
  segment: number,
  note: (damage: FoundDamage) => void,
): Promise<void> {
  const { path } = file;
  const reader = new ChunkReader(file, READ_BYTES);
  /** What `check` returns; `undefined`, with the damage noted, if it meets any. */
  const noting = <T>(offset: number, check: () => T): T | undefined => {
    try {
      return check();
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
      const { details, message } = DleError.from(thrown);
      note({ kind: 'directory', file: path, offset: Number(details?.offset ?? offset), message });
      return undefined;
    }
  };
  const head = await reader.read(0, DIRECTORY_HEADER_BYTES);
  const header = noting(0, () => {
    const origin = { name: path, offset: 0 };
    const found = readDirectoryHeader(head, segment, origin);
    const size = directoryBytes(found);
    if (reader.size !== size) throw corrupt(origin, 0, `${reader.size} bytes, and not ${size}`);
    return found;
  });
  if (header === undefined) return;
  let entries = 0;
  for (let number = 0; number < header.blocks + header.fences; number++) {
    const offset = DIRECTORY_HEADER_BYTES + number * BLOCK_BYTES;
    const bytes = await reader.read(offset, BLOCK_BYTES);
    const block = noting(offset, () => readBlock(bytes, segment, number, { name: path, offset }));
    if (block === undefined) return;
    entries += block.count;
  }
  const wanted = header.keys + (header.fences === 0 ? 0 : header.blocks);
  noting(0, () => {
    if (entries === wanted) return;
    throw corrupt({ name: path, offset: 0 }, 0, `${entries} entries, and not ${wanted}`);
  });
}
