import { readFileSync } from 'node:fs';

const STATUS = '/proc/self/status';

/**
 * Memory of this process that no file stands behind, in bytes, once the garbage is gone; the maps
 * of a store's files do not count. `undefined` where the system does not say.
 */
export function anonymousBytes(): number | undefined {
  globalThis.gc?.();
  try {
    return parseAnonymousBytes(readFileSync(STATUS, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Of what Linux says in `/proc/self/status`. */
export function parseAnonymousBytes(status: string): number | undefined {
  const kibibytes = /^RssAnon:\s*(\d+) kB$/m.exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1_024;
}
