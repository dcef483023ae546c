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

/** Whether something that was on the disk is there no more, or not as it was. */
export function isDamage(thrown: unknown): boolean {
  for (let error = thrown, depth = 0; error instanceof DleError && depth < 8; depth++) {
    if (error.code === 'DLE_CORRUPT') return !isOfDirectory(error);
    if (error.code === 'DLE_IO' && DAMAGE_OF_FILES.has(codeOf(error.cause))) return true;
    error = error.cause;
  }
  return false;
}

/** Key directories hold nothing of their own: the store makes a damaged one again by itself. */
export function isOfDirectory({ code, details }: DleError): boolean {
  return code === 'DLE_CORRUPT' && String(details?.file).endsWith('.directory');
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
