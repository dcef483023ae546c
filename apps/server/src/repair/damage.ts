import { DleError, isDleError } from '@dle/common';
import type { VfsOperation } from '@dle/storage/internal';

/** What systems say of a file that is damaged or gone, rather than forbidden or of a lack. */
const DAMAGE_OF_FILES: ReadonlySet<unknown> = new Set([
  'EIO',
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'ENXIO',
  // Checksums of the file system itself.
  'EBADMSG',
  'EUCLEAN',
]);

/** What only fails in these ways where there is something that cannot be read back. */
const READING: ReadonlySet<unknown> = new Set<VfsOperation>([
  'open',
  'size',
  'identify',
  'read',
  'list',
]);

/** Where damage was met. */
export type DamageFoundBy = 'start' | 'read' | 'apply' | 'log' | 'snapshot' | 'scrub';

export interface NodeDamage {
  readonly foundBy: DamageFoundBy;
  readonly message: string;
}

/**
 * Whether something that was on the disk is there no more, or not as it was: it cannot be read
 * back. A write or a flush that fails says nothing of the kind, whatever the system calls it. What
 * led to an error does not count: a log that takes no more writes (`DLE_STORAGE_POISONED`) for a
 * flush that failed is not damaged, nor is this node by what another one has met.
 */
export function isDamage(thrown: unknown): boolean {
  if (!(thrown instanceof DleError)) return false;
  if (thrown.code === 'DLE_CORRUPT') return !isOfDirectory(thrown);
  if (thrown.code !== 'DLE_IO' || !READING.has(thrown.details?.operation)) return false;
  return DAMAGE_OF_FILES.has(codeOf(thrown.cause));
}

/** Whether the disk has failed, or is full: what is on it may all be there. */
export function isOfDisk(error: DleError): boolean {
  return isDleError(error, 'DLE_IO', 'DLE_DISK_FULL', 'DLE_STORAGE_POISONED') && !isDamage(error);
}

/** A directory cannot be written to for the one reason that it is not there. */
export function isOfLostDirectory({ code, details, cause }: DleError): boolean {
  return code === 'DLE_IO' && details?.operation === 'create' && codeOf(cause) === 'ENOENT';
}

/** What to say of a data directory that is not there any more, of a node that runs. */
export function directoryIsGone(directory: string, cause?: unknown): DleError {
  const message =
    `the data directory ${directory} is gone: it was deleted, or its file system is not mounted ` +
    'any more. Mount it again, or put the directory back; if it is lost, stop this node, start ' +
    "an empty one under a new id, and give it the place with 'dle member replace'";
  return new DleError('DLE_IO', message, { cause });
}

/** Key directories hold nothing of their own: the store makes a damaged one again by itself. */
export function isOfDirectory({ code, details }: DleError): boolean {
  return code === 'DLE_CORRUPT' && String(details?.file).endsWith('.directory');
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
