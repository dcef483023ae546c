import { join } from 'node:path';
import { refuseUnfinished } from '../care/unfinished.js';
import { parseSortedName, sortedName } from '../directory/sorted-segment.js';
import { corrupt } from '../errors.js';
import type { SegmentFiles } from '../log/segment-files.js';
import { parseSegmentName } from '../log/segment-header.js';
import type { Vfs } from '../vfs/vfs.js';
import { isGone } from './gaps.js';
import { isManifestDraft, MANIFEST_NAME, type Manifest, readManifest } from './manifest.js';

/**
 * Reads what compaction has made of the store in `directory`, which is locked, and removes what a
 * crash has left of it: sorted segments that the manifest does not name yet, segments of the log
 * that it says are gone. `undefined`: nothing has been compacted yet. Throws `DLE_CORRUPT`,
 * `DLE_FORMAT`, `DLE_IO`; `DLE_INVALID_ARGUMENT` where the directory is not whole yet.
 */
export async function openBase(
  vfs: Vfs,
  directory: string,
  files: SegmentFiles,
): Promise<Manifest | undefined> {
  const names = await vfs.list(directory);
  refuseUnfinished(directory, names);
  const manifest = await readManifest(vfs, directory);
  const present = new Set(names.filter((name) => parseSortedName(name) !== undefined));
  if (manifest === undefined && present.size > 0) {
    // It is written before the first sorted segment is made.
    const path = join(directory, MANIFEST_NAME);
    throw corrupt({ name: path, offset: 0 }, 0, 'missing, and there are sorted segments');
  }
  for (const { id, bytes } of manifest?.sorted ?? []) {
    files.name(id, sortedName(id));
    const path = files.pathOf(id);
    if (!present.has(sortedName(id))) throw corrupt({ name: path, offset: 0 }, 0, 'missing');
    const size = files.get(id).size();
    if (size !== bytes) {
      throw corrupt({ name: path, offset: Math.min(size, bytes) }, 0, `the file has ${size} bytes`);
    }
  }
  const left = names.filter(leftOvers(manifest));
  // A process that was killed may not have made this manifest durable: what the one before it names
  // must stay until it is.
  if (left.length > 0) await vfs.syncDirectory(directory);
  for (const name of left) await vfs.unlink(join(directory, name));
  return manifest;
}

function leftOvers(manifest: Manifest | undefined): (name: string) => boolean {
  const inUse = new Set(manifest?.sorted.map(({ id }) => id));
  const gaps = manifest?.gaps ?? [];
  return (name) => {
    if (isManifestDraft(name)) return true;
    const sorted = parseSortedName(name);
    if (sorted !== undefined) return !inUse.has(sorted);
    const segment = parseSegmentName(name);
    return segment !== undefined && isGone(gaps, segment);
  };
}
