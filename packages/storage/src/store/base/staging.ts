import { join } from 'node:path';
import { isLockName, isStoreName } from '../../care/store-names.js';
import { readMarker, removeMarker, Unfinished, writeMarker } from '../../care/unfinished.js';
import type { Floor } from '../../compaction/log-floor.js';
import type { Vfs } from '../../vfs/vfs.js';

/** In the directory of a store, where the base is made that is to take its place. */
const STAGING_DIRECTORY = 'import.draft';

/** How far a base has come, as its marker says; it lies with it until it is adopted. */
export interface StagingProgress {
  readonly storeId: string;
  readonly floor: { readonly index: number; readonly term: number; readonly state: string };
  /** Sorted segments that are whole and durable, from the first id on. */
  readonly segments: number;
  /** The last key in them, as base64; absent before the first. */
  readonly after?: string;
  /** Nothing follows. */
  readonly complete: boolean;
}

interface StagingMarker extends StagingProgress {
  readonly what: string;
}

/** First the files of the store go, then those of the base are moved in. */
interface AdoptionMarker {
  readonly what: string;
  readonly step: 'remove' | 'install';
}

export function stagingOf(directory: string): string {
  return join(directory, STAGING_DIRECTORY);
}

export function progressOf(storeId: string, { index, term, state }: Floor): StagingProgress {
  const floor = { index, term, state: Buffer.from(state).toString('base64') };
  return { storeId, floor, segments: 0, complete: false };
}

/** What was left of one that was begun for the same store at the same floor. */
export async function readProgress(
  vfs: Vfs,
  staging: string,
  wanted: StagingProgress,
): Promise<StagingProgress | undefined> {
  const found = await readMarker<StagingMarker>(vfs, staging, Unfinished.import);
  if (found?.storeId !== wanted.storeId || found.floor === undefined) return undefined;
  const { index, term, state } = found.floor;
  const isSame = index === wanted.floor.index && term === wanted.floor.term;
  if (!isSame || state !== wanted.floor.state || found.segments === undefined) return undefined;
  return found as StagingProgress;
}

/** Durable when it resolves. */
export function writeProgress(vfs: Vfs, staging: string, progress: StagingProgress): Promise<void> {
  const what = 'a base of a store of dle that is being brought here';
  return writeMarker(vfs, staging, Unfinished.import, { what, ...progress });
}

/** Removes what there is but for the lock, and files of the names `kept`. */
export async function clearStaging(
  vfs: Vfs,
  staging: string,
  kept: ReadonlySet<string>,
): Promise<void> {
  const names = await vfs.list(staging);
  // What it names has to be there for as long as it is.
  const isNamed = names.includes(Unfinished.import) && !kept.has(Unfinished.import);
  if (isNamed) await removeMarker(vfs, staging, Unfinished.import);
  for (const name of names) {
    const stays = isLockName(name) || kept.has(name);
    if (!stays && name !== Unfinished.import) await vfs.unlink(join(staging, name));
  }
  await vfs.syncDirectory(staging);
}

/**
 * The base in `directory` is whole: from now on it is to take the place of the store there, which
 * `adoptBase` does, after a crash as well.
 */
export async function beginAdoption(vfs: Vfs, directory: string): Promise<void> {
  await mark(vfs, directory, 'remove');
}

/** Whether a base waits for its adoption. */
export async function awaitsAdoption(vfs: Vfs, directory: string): Promise<boolean> {
  return (await vfs.list(directory)).includes(Unfinished.import);
}

/**
 * Gives up a base that waits for its adoption, or is adopted in part: what is in `directory`, which
 * nobody may have open, need be no store any more then. Durable when it resolves.
 */
export async function abandonBase(vfs: Vfs, directory: string): Promise<void> {
  if (!(await awaitsAdoption(vfs, directory))) return;
  await clearStaging(vfs, stagingOf(directory), new Set());
  await removeMarker(vfs, directory, Unfinished.import);
}

/**
 * Puts a base that is whole in the place of the store in `directory`, which is locked; nothing if
 * there is none. Each step can be repeated. Rejects with `DLE_CORRUPT`, `DLE_IO`, `DLE_DISK_FULL`.
 */
export async function adoptBase(vfs: Vfs, directory: string): Promise<void> {
  const marker = await readMarker<AdoptionMarker>(vfs, directory, Unfinished.import);
  if (marker === undefined) return;
  if (marker.step !== 'install') {
    for (const name of await vfs.list(directory)) {
      if (isStoreName(name)) await vfs.unlink(join(directory, name));
    }
    await vfs.syncDirectory(directory);
    await mark(vfs, directory, 'install');
  }
  const staging = stagingOf(directory);
  // It may have been removed already.
  await vfs.makeDirectory(staging);
  for (const name of await vfs.list(staging)) {
    if (isStoreName(name)) await vfs.rename(join(staging, name), join(directory, name));
    else await vfs.unlink(join(staging, name));
  }
  await vfs.syncDirectory(directory);
  await vfs.syncDirectory(staging);
  await vfs.removeDirectory(staging);
  await removeMarker(vfs, directory, Unfinished.import);
}

function mark(vfs: Vfs, directory: string, step: AdoptionMarker['step']): Promise<void> {
  const marker: AdoptionMarker = { what: 'a base that takes the place of a store of dle', step };
  return writeMarker(vfs, directory, Unfinished.import, marker);
}
