import { DONE } from '../directory/block-merge.js';
import type { Directories } from '../directory/directories.js';
import type { Block } from '../directory/directory-block.js';
import type { BlockSource } from '../directory/directory-file.js';
import type { SegmentEnd } from '../log/log-options.js';
import type { Keyspace } from './keyspace.js';

/** Directories merged at a time: each is an open file, and some memory to read ahead. */
const MAX_MERGED = 256;

/** The keys of `segment` could not be read from where they were taken. */
class SourceFailed extends Error {
  readonly segment: number;

  constructor(segment: number, cause: unknown) {
    super('', { cause });
    this.segment = segment;
  }
}

/**
 * Takes in the keys of sealed segments from their directories. A directory that is damaged is
 * passed over, and its segment read. Throws `DLE_CORRUPT`, `DLE_FORMAT`, `DLE_IO`.
 */
export async function restoreKeys(
  keys: Keyspace,
  directories: Directories,
  ends: readonly SegmentEnd[],
): Promise<void> {
  const wasEmpty = keys.size === 0;
  for (;;) {
    try {
      await takeIn(keys, directories, ends, wasEmpty);
      break;
    } catch (thrown) {
      if (!(thrown instanceof SourceFailed)) throw thrown;
      directories.noteDamage(thrown.segment, thrown.cause);
      // What came in before is known again when it comes a second time, but for a merge.
      if (wasEmpty) keys.clear();
    }
  }
  for (const { lastIndex, segment } of ends) {
    keys.restored(lastIndex);
    if (!directories.isDamaged(segment)) directories.counters.loaded++;
  }
}

/**
 * Where there are no keys yet the directories are merged, which finds the newest record of each key
 * without looking at any: so a start takes no longer where keys were overwritten.
 */
async function takeIn(
  keys: Keyspace,
  directories: Directories,
  ends: readonly SegmentEnd[],
  wasEmpty: boolean,
): Promise<void> {
  const merged = wasEmpty ? Math.min(ends.length, MAX_MERGED) : 0;
  if (merged > 0) {
    await opened(directories, ends.slice(0, merged), (sources) => merge(keys, sources));
  }
  for (const end of ends.slice(merged)) {
    await opened(directories, [end], async ([source]) => {
      let block = await nextOf(source!);
      for (; block !== undefined; block = await nextOf(source!)) keys.restore(end.segment, block);
    });
  }
}

async function merge(keys: Keyspace, sources: readonly BlockSource[]): Promise<void> {
  const running = keys.merge(sources.map(({ segment }) => segment));
  const fill = async (place: number): Promise<void> => {
    const source = sources[place]!;
    const block = await nextOf(source);
    if (block !== undefined) running.fill(place, block, source.firstIndex);
  };
  try {
    for (let place = 0; place < sources.length; place++) await fill(place);
    for (let place = running.run(); place !== DONE; place = running.run()) await fill(place);
  } finally {
    running.close();
  }
}

async function opened(
  directories: Directories,
  ends: readonly SegmentEnd[],
  work: (sources: readonly BlockSource[]) => Promise<void>,
): Promise<void> {
  const sources: BlockSource[] = [];
  try {
    for (const end of ends) sources.push(await directories.open(end));
    await work(sources);
  } finally {
    for (const source of sources) await source.close();
  }
}

async function nextOf(source: BlockSource): Promise<Block | undefined> {
  try {
    return await source.next();
  } catch (thrown) {
    throw new SourceFailed(source.segment, thrown);
  }
}
