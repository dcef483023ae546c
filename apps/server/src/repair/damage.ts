import { DleError } from '@dle/common';

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

/** Where damage was met. */
export type DamageFoundBy = 'start' | 'read' | 'apply' | 'log' | 'snapshot' | 'scrub';

export interface NodeDamage {
  readonly foundBy: DamageFoundBy;
  readonly message: string;
}

/**
 * Whether something that was on the disk is there no more, or not as it was. What led to an error
 * does not count: a log that takes no more writes (`DLE_STORAGE_POISONED`) for a flush that failed
 * is not damaged, nor is this node by what another one has met.
 */
export function isDamage(thrown: unknown): boolean {
  if (!(thrown instanceof DleError)) return false;
  if (thrown.code === 'DLE_CORRUPT') return !isOfDirectory(thrown);
  return thrown.code === 'DLE_IO' && DAMAGE_OF_FILES.has(codeOf(thrown.cause));
}

/** Key directories hold nothing of their own: the store makes a damaged one again by itself. */
export function isOfDirectory({ code, details }: DleError): boolean {
  return code === 'DLE_CORRUPT' && String(details?.file).endsWith('.directory');
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
