import { join, resolve } from 'node:path';
import { type Clock, DleError } from '@dle/common';
import { encodeManifest, writeManifest } from '../compaction/manifest.js';
import { corrupt } from '../errors.js';
import type { Vfs } from '../vfs/vfs.js';
import { type Examined, examine } from './examine.js';
import { FileCopier, type WantedFile } from './file-copier.js';
import { isLockName, isStoreName } from './store-names.js';
import type { CareOptions, RestoreReport } from './types.js';
import { isMarker, refuseUnfinished, removeMarker, Unfinished, writeMarker } from './unfinished.js';

/** As `LogStore.restore`. */
export async function restore(
  components: { readonly vfs: Vfs; readonly clock: Clock },
  backup: string,
  directory: string,
  options: CareOptions = {},
): Promise<RestoreReport> {
  const { vfs } = components;
  if (resolve(backup) === resolve(directory)) {
    throw new DleError('DLE_INVALID_ARGUMENT', `${directory} is the backup itself`);
  }
  const present = await vfs.list(backup);
  refuseUnfinished(backup, present);
  if (!present.some(isStoreName)) {
    throw new DleError('DLE_INVALID_ARGUMENT', `${backup} holds no backup`);
  }
  options.signal?.throwIfAborted();
  await vfs.makeDirectory(directory);
  const locks = [await vfs.lock(directory)];
  try {
    const names = await vfs.list(directory);
    refuseOccupied(directory, names);
    // Nobody writes to it meanwhile.
    locks.push(await vfs.lock(backup));
    const examined = await examine(components, backup);
    refuseDamaged(backup, examined);
    return await fill(vfs, { from: backup, to: directory }, { examined, names, options });
  } finally {
    for (const lock of locks) await lock.release();
  }
}

function refuseOccupied(directory: string, names: readonly string[]): void {
  const isUnfinished = names.includes(Unfinished.restore);
  for (const name of names) {
    if (isLockName(name) || isMarker(name, Unfinished.restore)) continue;
    if (isUnfinished && isStoreName(name)) continue;
    const message = `${join(directory, name)} is in the way: a restore wants an empty directory`;
    throw new DleError('DLE_INVALID_ARGUMENT', message);
  }
}

function refuseDamaged(backup: string, { damage, isClean }: Examined): void {
  // A key directory is made again: it is left out.
  const first = damage.find(({ file }) => !isDirectory(file));
  if (first !== undefined)
    throw corrupt({ name: first.file, offset: 0 }, first.offset, first.message);
  if (isClean) return;
  const why = 'has lost its end, or has been opened as a store that was not closed';
  throw corrupt({ name: backup, offset: 0 }, 0, `the backup ${why}`);
}

const isDirectory = (file: string): boolean => file.endsWith('.directory');

async function fill(
  vfs: Vfs,
  paths: { readonly from: string; readonly to: string },
  work: {
    readonly examined: Examined;
    readonly names: readonly string[];
    readonly options: CareOptions;
  },
): Promise<RestoreReport> {
  const { examined, names, options } = work;
  const { from, to } = paths;
  const damaged = new Set(examined.damage.map(({ file }) => file));
  const files: WantedFile[] = [];
  for (const name of examined.files) {
    const path = join(from, name);
    if (damaged.has(path)) continue;
    const file = vfs.openSync(path, { readOnly: true });
    files.push({ name, bytes: file.size(), canBeLinked: false });
    await file.close();
  }
  const { manifest, records } = examined;
  const manifestBytes = manifest === undefined ? 0 : encodeManifest(manifest).length;
  const bytes = files.reduce((sum, file) => sum + file.bytes, manifestBytes);
  if (!names.includes(Unfinished.restore)) {
    await writeMarker(vfs, to, Unfinished.restore, { what: 'an unfinished restore', from });
  }
  const present = new Set(names.filter(isStoreName));
  const wanted = new Set(files.map(({ name }) => name));
  for (const name of present) if (!wanted.has(name)) await vfs.unlink(join(to, name));
  const copier = new FileCopier(vfs, paths, bytes, options);
  for (const file of files) await copier.bring(file, present.has(file.name));
  await vfs.syncDirectory(to);
  if (manifest !== undefined) await writeManifest(vfs, to, manifest);
  await removeMarker(vfs, to, Unfinished.restore);
  options.onProgress?.({ doneBytes: bytes, totalBytes: bytes });
  return { files: files.length + (manifest === undefined ? 0 : 1), bytes, records };
}
