import { DleError } from '@dle/common';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
};

/**
 * Bytes from a text such as `64MB`, `4KiB` or `65536`. Units are powers of 1,024, however they are
 * spelt.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '?'];
  if (match === null || unit === undefined) {
    throw new DleError('DLE_INVALID_ARGUMENT', `not a size: '${text}' (try 64MB, 512KB or 1GB)`);
  }
  return Math.round(Number(match[1]) * unit);
}
