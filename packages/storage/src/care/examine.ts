import { type Clock, DleError, isDleError } from '@dle/common';
import { openBase } from '../compaction/base.js';
import { isGone } from '../compaction/gaps.js';
import type { Manifest } from '../compaction/manifest.js';
import type { Damage } from '../directory/directories.js';
import { directoryName, parseDirectoryName } from '../directory/directory-format.js';
import { sortedName } from '../directory/sorted-segment.js';
import { DeadExtents } from '../log/dead-extents.js';
import { recover } from '../log/recovery.js';
import { SegmentFiles } from '../log/segment-files.js';
import { parseSegmentName, segmentName } from '../log/segment-header.js';
import { Verifier } from '../store/verify.js';
import type { Vfs } from '../vfs/vfs.js';
import { ReadOnlyVfs } from './read-only-vfs.js';

/** What there is in a directory that nobody has open. */
export interface Examined {
  /** `undefined`: no store, or one whose log cannot be followed. */
  readonly storeId: string | undefined;
  /** Whether the last frame of the log is that of a clean close. */
  readonly isClean: boolean;
  readonly damage: readonly Damage[];
  readonly records: number;
  /** Names of the files that count. */
  readonly files: readonly string[];
  readonly manifest: Manifest | undefined;
}

/**
 * Does all that a start does, and reads every byte besides, and changes nothing. Rejects with
 * `DLE_FORMAT`, `DLE_IO`.
 */
export async function examine(
  components: { readonly vfs: Vfs; readonly clock: Clock },
  directory: string,
): Promise<Examined> {
  const { clock } = components;
  const vfs = new ReadOnlyVfs(components.vfs);
  const files = new SegmentFiles(vfs, directory);
  try {
    const manifest = await openBase(vfs, directory, files);
    const { gaps = [], nextId = 1, sorted = [], floor } = manifest ?? {};
    let isReplicated = floor !== undefined;
    const recovered = await recover(
      { vfs, files },
      directory,
      { gaps, nextId },
      {
        endOf: async () => undefined,
        readSealed: async () => undefined,
        restore: async () => undefined,
        visit: ({ entries }) => {
          isReplicated ||= entries !== undefined && entries.termAt(entries.firstIndex) > 0;
        },
      },
    );
    const { storeId = '', sequence, lastSegment } = recovered;
    const names = await vfs.list(directory);
    const segments = names
      .map(parseSegmentName)
      .filter((id) => id !== undefined)
      .filter((id) => id <= lastSegment && !isGone(gaps, id));
    // Of replaced entries a directory says nothing; which those are is known up to the floor.
    const lastListed = isReplicated ? (floor?.segment ?? 0) : lastSegment;
    const sealed = segments.filter((id) => id <= lastListed);
    const owners = new Set([...sealed, ...sorted.map(({ id }) => id)]);
    const dead = new DeadExtents();
    for (const extent of floor?.dead ?? []) dead.add(extent, 0);
    const listed = new Set(
      names.map(parseDirectoryName).filter((id) => id !== undefined && owners.has(id)),
    ) as ReadonlySet<number>;
    const log = {
      ...{ storeId, flushed: sequence, accepted: sequence, lastSegment },
      ...{ activeSegment: undefined, failure: undefined },
    };
    const known = { healed: [], listed, dead };
    const verifier = new Verifier({ vfs, clock, log }, directory, known);
    const { damage, records } = await verifier.run();
    return {
      storeId: recovered.storeId,
      isClean: recovered.resume !== undefined,
      damage,
      records,
      files: [
        ...segments.map(segmentName),
        ...sorted.map(({ id }) => sortedName(id)),
        ...Array.from(listed, directoryName),
      ],
      manifest,
    };
  } catch (thrown) {
    if (!isDleError(thrown, 'DLE_CORRUPT')) throw thrown;
    const { details, message } = DleError.from(thrown);
    const damage = [
      { file: String(details?.file ?? directory), offset: Number(details?.offset ?? 0), message },
    ];
    const nothing = { records: 0, files: [], manifest: undefined };
    return { storeId: undefined, isClean: false, damage, ...nothing };
  } finally {
    await files.close();
  }
}
