import { basename, dirname, join } from 'node:path';
import { decodeManifest, MANIFEST_NAME, type Manifest } from '../../compaction/manifest.js';
import {
  DIRECTORY_HEADER_BYTES,
  type DirectoryHeader,
  parseDirectoryName,
  readDirectoryHeader,
} from '../../directory/directory-format.js';
import { parseSortedName, sortedName } from '../../directory/sorted-segment.js';
import { parseSegmentName, segmentName } from '../../log/segment-header.js';
import type { MemVfs } from '../mem-vfs.js';
import { DIRECTORY } from './world.js';

/** What lies in the directory of a store, as programs see it. */
export class DiskFiles {
  readonly manifest: Manifest | undefined;
  /** By rising ids. */
  readonly segments: readonly number[];
  readonly sorted: readonly number[];
  /** Of the files to which they belong, or should. */
  readonly directories: readonly number[];
  readonly #vfs: MemVfs;

  constructor(vfs: MemVfs) {
    this.#vfs = vfs;
    const inside = vfs.paths.filter((path) => dirname(path) === DIRECTORY);
    const names = inside.map((path) => basename(path));
    const idsOf = (parse: (name: string) => number | undefined): number[] =>
      names
        .map(parse)
        .filter((id) => id !== undefined)
        .sort((a, b) => a - b);
    this.segments = idsOf(parseSegmentName);
    this.sorted = idsOf(parseSortedName);
    this.directories = idsOf(parseDirectoryName);
    const path = join(DIRECTORY, MANIFEST_NAME);
    const isThere = names.includes(MANIFEST_NAME);
    const origin = { name: path, offset: 0 };
    this.manifest = isThere ? decodeManifest(vfs.contentOf(path), origin) : undefined;
  }

  /** Bytes of all segments, of the log and sorted. */
  get segmentBytes(): number {
    const names = [...this.segments.map(segmentName), ...this.sorted.map(sortedName)];
    return names.reduce((sum, name) => sum + this.#vfs.sizeOf(join(DIRECTORY, name)), 0);
  }

  /** Sorted segments that the manifest does not name. */
  get unnamed(): number[] {
    const named = new Set(this.manifest?.sorted.map(({ id }) => id));
    return this.sorted.filter((id) => !named.has(id));
  }

  /** Segments of the log that the manifest says are gone. */
  get gone(): number[] {
    const gaps = this.manifest?.gaps ?? [];
    return this.segments.filter((id) =>
      gaps.some(({ firstSegment, end }) => firstSegment <= id && id <= end.segment),
    );
  }

  /** Directories of files that are not there. */
  get orphans(): number[] {
    const owners = new Set([...this.segments, ...this.sorted]);
    return this.directories.filter((id) => !owners.has(id));
  }

  /** What the directory of `id` says of its file; it must be whole. */
  headerOf(id: number): DirectoryHeader {
    const path = join(DIRECTORY, `${id.toString(16).padStart(16, '0')}.directory`);
    const bytes = this.#vfs.contentOf(path).subarray(0, DIRECTORY_HEADER_BYTES);
    return readDirectoryHeader(bytes, id, { name: path, offset: 0 });
  }
}
