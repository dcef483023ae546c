import { join } from 'node:path';
import { DleError } from '@dle/common';
import { allocate } from '../bytes.js';
import { DRAFT_SUFFIX, replaceFile } from '../vfs/replace-file.js';
import type { Vfs } from '../vfs/vfs.js';

/**
 * Names of files that say that what is in a directory is not whole yet: it is no store to open
 * until the work has been done to its end.
 */
export const Unfinished = {
  backup: 'backup.unfinished',
  restore: 'restore.unfinished',
  repair: 'repair.unfinished',
  import: 'import.unfinished',
} as const;
export type Unfinished = (typeof Unfinished)[keyof typeof Unfinished];

const WHAT_TO_DO: Readonly<Record<Unfinished, string>> = {
  [Unfinished.backup]: 'an unfinished backup: run the backup again, or delete it',
  [Unfinished.restore]: 'an unfinished restore: run it again, or delete the directory',
  [Unfinished.repair]: 'an unfinished repair: run it again',
  [Unfinished.import]: 'a base that is to take its place: open it as a replicated store',
};

/** Throws `DLE_INVALID_ARGUMENT` if what is in `directory` is not whole yet. `names`: its files. */
export function refuseUnfinished(directory: string, names: readonly string[]): void {
  for (const [name, what] of Object.entries(WHAT_TO_DO)) {
    if (!names.includes(name)) continue;
    throw new DleError('DLE_INVALID_ARGUMENT', `${directory} holds ${what}`);
  }
}

/** Whether `name` is that of a marker, or of the draft of one. */
export function isMarker(name: string, marker: Unfinished): boolean {
  return name === marker || name === `${marker}${DRAFT_SUFFIX}`;
}

/** Durable, in place of the one before, when it resolves. */
export async function writeMarker(
  vfs: Vfs,
  directory: string,
  marker: Unfinished,
  content: object,
): Promise<void> {
  const text = Buffer.from(`${JSON.stringify(content)}\n`);
  await replaceFile(vfs, directory, marker, [text]);
}

/** What the marker says; `undefined` if there is none. */
export async function readMarker<Content extends object>(
  vfs: Vfs,
  directory: string,
  marker: Unfinished,
): Promise<Partial<Content> | undefined> {
  if (!(await vfs.list(directory)).includes(marker)) return undefined;
  const file = vfs.openSync(join(directory, marker), { readOnly: true });
  try {
    const bytes = allocate(file.size());
    const count = await file.read(bytes, 0);
    return JSON.parse(Buffer.from(bytes.subarray(0, count)).toString()) as Partial<Content>;
  } catch (thrown) {
    const message = `${join(directory, marker)} cannot be read`;
    throw new DleError('DLE_CORRUPT', message, { cause: thrown });
  } finally {
    await file.close();
  }
}

export async function removeMarker(vfs: Vfs, directory: string, marker: Unfinished): Promise<void> {
  await vfs.unlink(join(directory, marker));
  await vfs.syncDirectory(directory);
}
