import { basename } from 'node:path';
import { DleError, isDleError } from '@dle/common';
import { parseDirectoryName } from '../directory/directory-format.js';
import { parseSortedName } from '../directory/sorted-segment.js';
import { parseSegmentName } from '../log/segment-header.js';
import type { Catalog } from '../store/catalog.js';
import { systemCode } from '../vfs/system-error.js';
import type { FoundDamage } from './found-damage.js';

/** What the system says where the device, or the file, is not what it was. */
const LOST = new Set(['EIO', 'ENOENT', 'EBADMSG', 'EUCLEAN', 'ENXIO']);

/** What it means that `file` cannot be read; `undefined` if that is no fault of the file. */
export function damageIn(
  kind: FoundDamage['kind'],
  file: string,
  thrown: unknown,
): FoundDamage | undefined {
  const isCorrupt = isDleError(thrown, 'DLE_CORRUPT', 'DLE_FORMAT');
  const isLost = isDleError(thrown, 'DLE_IO') && LOST.has(systemCode((thrown as Error).cause));
  if (!isCorrupt && !isLost) return undefined;
  const { details, message } = DleError.from(thrown);
  return { kind, file, offset: Number(details?.offset ?? 0), message };
}

/** What somebody has met who reads several files; `undefined` if it is no damage. */
export function damageOf(thrown: unknown, { files }: Catalog): FoundDamage | undefined {
  if (!isDleError(thrown, 'DLE_CORRUPT')) return undefined;
  const file = String(thrown.details?.file ?? '');
  const name = basename(file);
  if (parseDirectoryName(name) !== undefined) return damageIn('directory', file, thrown);
  if (parseSortedName(name) !== undefined) return damageIn('sorted', file, thrown);
  const segment = parseSegmentName(name);
  if (segment === undefined) return undefined;
  const header = files.find(({ id }) => id === segment)?.header;
  const indexes = header && { first: header.firstIndex, last: header.lastIndex };
  return { ...damageIn('segment', file, thrown)!, indexes };
}
