import { join } from 'node:path';
import type { Vfs } from './vfs.js';

/** Of the name of a file that has yet to take the place of another. */
export const DRAFT_SUFFIX = '.tmp';

/**
 * Writes a small file in the place of the one before, if there is one: at all times one of the two
 * is there, and whole. Durable when it resolves. Rejects with `DLE_IO`, `DLE_DISK_FULL`.
 */
export async function replaceFile(
  vfs: Vfs,
  directory: string,
  name: string,
  parts: readonly Uint8Array[],
): Promise<void> {
  const path = join(directory, name);
  const draft = `${path}${DRAFT_SUFFIX}`;
  if ((await vfs.list(directory)).includes(`${name}${DRAFT_SUFFIX}`)) await vfs.unlink(draft);
  const file = vfs.createSync(draft);
  try {
    file.writeSync(parts, 0);
    await file.datasync();
    await file.close();
  } catch (thrown) {
    await file.close();
    await vfs.unlink(draft).catch(() => undefined);
    throw thrown;
  }
  await vfs.rename(draft, path);
  await vfs.syncDirectory(directory);
}
