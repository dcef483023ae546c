import { DONE } from '../directory/block-merge.js';
import type { Directories } from '../directory/directories.js';
import type { Block } from '../directory/directory-block.js';
import type { BlockSource } from '../directory/directory-file.js';
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

/** Files with disjoint keys, in the order of those, read one after the other. */
class Run implements BlockSource {
  readonly #open: (file: Listed) => Promise<BlockSource>;
  readonly #files: Listed[];
  #current: BlockSource | undefined;

  constructor(files: readonly Listed[], open: (file: Listed) => Promise<BlockSource>) {
    this.#files = [...files];
    this.#open = open;
  }

  get segment(): number {
    return this.#current!.segment;
  }

  get firstIndex(): number {
    return this.#current!.firstIndex;
  }

  async next(): Promise<Block | undefined> {
    for (;;) {
      const block = this.#current && (await nextOf(this.#current));
      if (block !== undefined) return block;
      const file = this.#files.shift();
      if (file === undefined) return undefined;
      await this.#current?.close();
      this.#current = await this.#open(file);
    }
  }

  async close(): Promise<void> {
    await this.#current?.close();
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
  const open = (file: Listed): Promise<BlockSource> => directories.open(file, runs.length);
  const sources = runs.map((files) => new Run(files, open));
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

async function nextOf(source: BlockSource): Promise<Block | undefined> {
  try {
    return await source.next();
  } catch (thrown) {
    throw new SourceFailed(source.segment, thrown);
  }
}
