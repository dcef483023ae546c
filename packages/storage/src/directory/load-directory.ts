import { join } from 'node:path';
import { corrupt } from '../errors.js';
import { ChunkReader } from '../log/chunk-reader.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  BLOCK_BYTES,
  type Block,
  type Checkpoint,
  DIRECTORY_HEADER_BYTES,
  directoryName,
  readBlock,
  readDirectoryHeader,
} from './directory-format.js';

/**
 * Reads the key directory of `segment` and shows every block of it. Throws `DLE_CORRUPT`,
 * `DLE_FORMAT`, `DLE_IO`; blocks may have been shown by then.
 */
export async function loadDirectory(
  vfs: Vfs,
  directory: string,
  segment: number,
  visit: (block: Block) => void,
): Promise<Checkpoint> {
  const path = join(directory, directoryName(segment));
  const file = vfs.openSync(path, { readOnly: true });
  try {
    const reader = new ChunkReader(file);
    const head = await reader.read(0, DIRECTORY_HEADER_BYTES);
    const header = readDirectoryHeader(head, segment, { name: path, offset: 0 });
    const size = DIRECTORY_HEADER_BYTES + header.blocks * BLOCK_BYTES;
    if (reader.size !== size) {
      throw corrupt({ name: path, offset: 0 }, 0, `${reader.size} bytes, and not ${size}`);
    }
    let keys = 0;
    for (let number = 0; number < header.blocks; number++) {
      const offset = DIRECTORY_HEADER_BYTES + number * BLOCK_BYTES;
      const bytes = await reader.read(offset, BLOCK_BYTES);
      const block = readBlock(bytes, segment, number, { name: path, offset });
      keys += block.count;
      visit(block);
    }
    if (keys !== header.keys) {
      throw corrupt({ name: path, offset: 0 }, 0, `${keys} keys, and not ${header.keys}`);
    }
    return header;
  } finally {
    await file.close();
  }
}
