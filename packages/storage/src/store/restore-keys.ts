import { DONE } from '../directory/block-merge.js';
import type { Directories } from '../directory/directories.js';
import type { BlockSource } from '../directory/directory-file.js';
import { DisjointFiles } from '../directory/disjoint-files.js';
import type { Listed } from '../directory/sealed-segment.js';
import type { Keyspace } from './keyspace.js';

/** The keys of `segment` could not be read from where they were taken. */
class SourceFailed extends Error {
  readonly segment: number;

  constructor(segment: number, cause: unknown) {
    super('', { cause });
    this.segment = segment;
  }
}

/**
 * Takes in the keys of sealed files from their directories, merged: so the newest record of each
 * key is found without looking at any, and a start takes no longer where keys were overwritten. A
 * directory that is damaged is passed over, and its file read. `runs`: files with disjoint keys
 * each, in the order of those. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
 */
export async function restoreKeys(
  keys: Keyspace,
  directories: Directories,
  runs: readonly (readonly Listed[])[],
): Promise<void> {
  for (let left = runs.length; left > 0; ) {
    try {
      await merge(keys, directories, runs);
      left = 0;
    } catch (thrown) {
      if (!(thrown instanceof SourceFailed)) throw thrown;
      directories.noteDamage(thrown.segment, thrown.cause);
      keys.clear();
    }
  }
  directories.restored();
}

async function merge(
  keys: Keyspace,
  directories: Directories,
  runs: readonly (readonly Listed[])[],
): Promise<void> {
  const open = async (file: Listed): Promise<BlockSource> =>
    tracing(await directories.open(file, runs.length));
  const sources = runs.map((files) => new DisjointFiles(files, open));
  const running = keys.merge(sources.length);
  const fill = async (place: number): Promise<void> => {
    const source = sources[place]!;
    const block = await source.next();
    if (block === undefined) return;
    running.fill(place, block, keys.slotOf(source.segment), source.firstIndex);
  };
  try {
    for (let place = 0; place < sources.length; place++) await fill(place);
    for (let place = running.run(); place !== DONE; place = running.run()) await fill(place);
  } finally {
    running.close();
    for (const source of sources) await source.close();
  }
}

/** Says which file it was if it cannot be read. */
function tracing(source: BlockSource): BlockSource {
  const { segment, firstIndex } = source;
  const failed = (thrown: unknown): never => {
    throw new SourceFailed(segment, thrown);
  };
  return {
    segment,
    firstIndex,
    next: () => source.next().catch(failed),
    close: () => source.close(),
  };
}
