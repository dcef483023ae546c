import { basename, join } from 'node:path';
import { type Clock, DleError, isDleError, type Random } from '@dle/common';
import { copyOf } from '../bytes.js';
import { isGone } from '../compaction/gaps.js';
import { MANIFEST_NAME, type Manifest, readManifest } from '../compaction/manifest.js';
import type { Damage } from '../directory/directories.js';
import { parseDirectoryName } from '../directory/directory-format.js';
import {
  parseSortedName,
  readSortedHeader,
  SORTED_HEADER_BYTES,
  sortedName,
} from '../directory/sorted-segment.js';
import {
  parseSegmentName,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentName,
} from '../log/segment-header.js';
import type { Durability, VerifyReport } from '../store/types.js';
import type { Vfs } from '../vfs/vfs.js';
import { examine } from './examine.js';
import { LogSalvage } from './log-salvage.js';
import { Salvage } from './salvage.js';
import { salvageSorted } from './sorted-salvage.js';
import { SoundDirectory } from './sound-directory.js';
import { isStoreName } from './store-names.js';
import { beginSwap, DRAFT_DIRECTORY, finishSwap, freeName } from './swap.js';
import type { CareOptions, RepairReport } from './types.js';
import { refuseUnfinished, Unfinished } from './unfinished.js';

/** Written at once into the new store. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_KEYS = 1_000;

/** A store as far as a repair needs it. */
interface DraftStore {
  batch(
    operations: readonly {
      readonly type: 'put';
      readonly key: Uint8Array;
      readonly value: Uint8Array;
    }[],
    options: { readonly durability: Durability },
  ): Promise<void>;
  verify(): Promise<VerifyReport>;
  close(): Promise<void>;
}

export interface RepairComponents {
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly random: Random;
  /** Makes an ordinary store. */
  readonly open: (directory: string) => Promise<DraftStore>;
}

/** As `LogStore.repair`. */
export async function repair(
  components: RepairComponents,
  directory: string,
  options: CareOptions = {},
): Promise<RepairReport> {
  const { vfs } = components;
  const names = await vfs.list(directory);
  if (!names.some((name) => isStoreName(name) || name === Unfinished.repair)) {
    throw new DleError('DLE_INVALID_ARGUMENT', `${directory} holds no store`);
  }
  options.signal?.throwIfAborted();
  const lock = await vfs.lock(directory);
  try {
    const finished = await finishSwap(vfs, directory);
    if (finished !== undefined) return finished;
    refuseUnfinished(directory, names);
    const { damage, records } = await examine(components, directory);
    // A repair that was ended in its very last step has yet to have that on the device.
    await vfs.syncDirectory(directory);
    if (damage.length === 0) return { damage, records, lost: [], keptAside: undefined };
    options.signal?.throwIfAborted();
    if (damage.every(({ file }) => isDirectory(file))) {
      // They tell nothing that the segments do not: they are made again at the next start.
      for (const file of new Set(damage.map((each) => each.file))) await vfs.unlink(file);
      await vfs.syncDirectory(directory);
      return { damage, records, lost: [], keptAside: undefined };
    }
    return await new Repair(components, directory, options).run(damage);
  } finally {
    await lock.release();
  }
}

function isDirectory(file: string): boolean {
  return parseDirectoryName(basename(file)) !== undefined;
}

class Repair {
  readonly #components: RepairComponents;
  readonly #directory: string;
  readonly #options: CareOptions;
  readonly #draft: string;
  #doneBytes = 0;
  #totalBytes = 0;

  constructor(components: RepairComponents, directory: string, options: CareOptions) {
    this.#components = components;
    this.#directory = directory;
    this.#options = options;
    this.#draft = join(directory, DRAFT_DIRECTORY);
  }

  async run(damage: readonly Damage[]): Promise<RepairReport> {
    const { vfs } = this.#components;
    const salvage = new Salvage(this.#components, this.#directory);
    try {
      await this.#take(salvage);
      await this.#clearDraft();
      const records = await this.#write(salvage);
      const lost = salvage.losses();
      const keptAside = await freeName(vfs, this.#directory);
      await beginSwap(vfs, this.#directory, { damage, records, lost, keptAside });
    } catch (thrown) {
      await this.#giveUp().catch(() => undefined);
      throw thrown;
    } finally {
      // What was read was open until now.
      await salvage.close();
    }
    return (await finishSwap(vfs, this.#directory))!;
  }

  /** The draft may have filled the disk; but once the swap is begun it is all there is. */
  async #giveUp(): Promise<void> {
    const names = await this.#components.vfs.list(this.#directory);
    if (!names.includes(Unfinished.repair)) await this.#clearDraft();
  }

  /** Reads all files, and takes what is whole. */
  async #take(salvage: Salvage): Promise<void> {
    const { vfs } = this.#components;
    const names = new Set(await vfs.list(this.#directory));
    const sizes = await this.#sizes(names);
    const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    // Read once, and what counts of it written.
    this.#totalBytes = 2 * total;
    const manifest = await this.#manifest(salvage, names);
    const storeId = manifest?.storeId ?? (await this.#storeIdOf(names));
    const gaps = manifest?.gaps ?? [];
    const sorted = await this.#sortedOf(names, manifest, storeId);
    const sortedIds = new Set(sorted.map(({ id }) => id));
    const ids = await this.#logIds(names, sortedIds);
    for (const place of sorted) {
      await salvageSorted(vfs, this.#directory, salvage, place);
      this.#done(sizes.get(sortedName(place.id)) ?? 0);
    }
    const isCompacted = manifest !== undefined || sorted.length > 0;
    const present = ids.filter((id) => !isGone(gaps, id));
    const contents = { names, ids: present, gaps, isCompacted, storeId };
    await new LogSalvage(vfs, this.#directory, salvage, contents).run((id) =>
      this.#done(sizes.get(segmentName(id)) ?? 0),
    );
    this.#doneBytes = total;
  }

  /** `undefined`: there is none, or none that can be read. */
  async #manifest(salvage: Salvage, names: ReadonlySet<string>): Promise<Manifest | undefined> {
    const path = join(this.#directory, MANIFEST_NAME);
    // What has been compacted away, and is still there, cannot be told from what counts.
    const lose = () => salvage.lose({ file: path, offset: 0, length: 0, mayBeStale: true });
    try {
      const manifest = await readManifest(this.#components.vfs, this.#directory);
      const hasSorted = [...names].some((name) => parseSortedName(name) !== undefined);
      if (manifest === undefined && hasSorted) lose();
      return manifest;
    } catch (thrown) {
      if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
      lose();
      return undefined;
    }
  }

  /**
   * Those that the manifest names, and those that are younger than it: a job was to add them. What
   * else there is has been compacted away: deletes that hid what lies in there are gone.
   */
  async #sortedOf(
    names: ReadonlySet<string>,
    manifest: Manifest | undefined,
    storeId: string | undefined,
  ) {
    const entries = new Map(manifest?.sorted.map((entry) => [entry.id, entry]));
    const ids = new Set(entries.keys());
    for (const name of names) {
      const id = parseSortedName(name);
      if (id === undefined || ids.has(id) || id < (manifest?.nextId ?? 0)) continue;
      if ((await this.#ownerOf(name)) === storeId) ids.add(id);
    }
    const directories = new Set([...names].map(parseDirectoryName));
    return Array.from(ids, (id) => ({
      id,
      hasFile: names.has(sortedName(id)),
      hasDirectory: directories.has(id),
      entry: entries.get(id),
    }));
  }

  /** Of segments, and of those that are missing, while their key directories are not. */
  async #logIds(names: ReadonlySet<string>, sorted: ReadonlySet<number>): Promise<number[]> {
    const ids = new Set<number>();
    for (const name of names) {
      const id = parseSegmentName(name);
      if (id !== undefined) ids.add(id);
      const named = parseDirectoryName(name);
      if (named === undefined || sorted.has(named) || names.has(segmentName(named))) continue;
      const directory = await SoundDirectory.open(this.#components.vfs, this.#directory, named);
      if (directory?.header.sorted === false) ids.add(named);
    }
    return [...ids];
  }

  async #storeIdOf(names: ReadonlySet<string>): Promise<string | undefined> {
    for (const name of [...names].sort()) {
      const owner = await this.#ownerOf(name);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  /** The id of the store in the head of a file; `undefined` if it has none that is whole. */
  async #ownerOf(name: string): Promise<string | undefined> {
    const [segment, sorted] = [parseSegmentName(name), parseSortedName(name)];
    if (segment === undefined && sorted === undefined) return undefined;
    const path = join(this.#directory, name);
    const file = this.#components.vfs.openSync(path, { readOnly: true });
    try {
      const bytes = new Uint8Array(Math.max(SEGMENT_HEADER_BYTES, SORTED_HEADER_BYTES));
      const head = bytes.subarray(0, await file.read(bytes, 0));
      const origin = { name: path, offset: 0 };
      const header =
        segment === undefined
          ? readSortedHeader(head, sorted!, origin)
          : readSegmentHeader(head, segment, origin);
      return header?.storeId;
    } finally {
      await file.close();
    }
  }

  async #sizes(names: ReadonlySet<string>): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (const name of names) {
      if (parseSegmentName(name) === undefined && parseSortedName(name) === undefined) continue;
      const file = this.#components.vfs.openSync(join(this.#directory, name), { readOnly: true });
      sizes.set(name, file.size());
      await file.close();
    }
    return sizes;
  }

  /** What an earlier repair has left that did not come to its end. */
  async #clearDraft(): Promise<void> {
    const { vfs } = this.#components;
    for (const name of await vfs.list(this.#draft)) await vfs.unlink(join(this.#draft, name));
    await vfs.removeDirectory(this.#draft);
  }

  /** A store of what is whole, verified; returns the number of its keys. */
  async #write(salvage: Salvage): Promise<number> {
    const store = await this.#components.open(this.#draft);
    try {
      let records = 0;
      let batch: { type: 'put'; key: Uint8Array; value: Uint8Array }[] = [];
      let bytes = 0;
      const flush = async (durability: Durability): Promise<void> => {
        this.#options.signal?.throwIfAborted();
        await store.batch(batch, { durability });
        this.#done(bytes);
        batch = [];
        bytes = 0;
      };
      for (const { key, value } of salvage.values()) {
        batch.push({ type: 'put', key: copyOf(key), value: copyOf(value) });
        records++;
        bytes += key.length + value.length;
        if (bytes >= BATCH_BYTES || batch.length >= BATCH_KEYS) await flush('none');
      }
      await flush('flush');
      const { damage } = await store.verify();
      if (damage.length > 0) {
        throw new DleError('DLE_IO', `what was written reads otherwise: ${damage[0]!.message}`);
      }
      return records;
    } finally {
      await store.close();
    }
  }

  #done(bytes: number): void {
    this.#options.signal?.throwIfAborted();
    this.#doneBytes = Math.min(this.#doneBytes + bytes, this.#totalBytes);
    const progress = { doneBytes: this.#doneBytes, totalBytes: this.#totalBytes };
    this.#options.onProgress?.(progress);
  }
}
