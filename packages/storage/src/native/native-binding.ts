import type { KeyCollectorBinding } from './directory-keys.js';
import type { LookupBinding } from './lookup.js';
import type { ReadRecordsBinding } from './read-records.js';

/** Counted up, together with DLE_NATIVE_VERSION in native/dle.h, when the functions change. */
export const NATIVE_VERSION = 19;

/** What the addon exports. */
export interface NativeBinding extends LookupBinding, KeyCollectorBinding, ReadRecordsBinding {
  readonly version: number;
  /**
   * Takes the space of a file from `position` on, which then reads as zeros; the file grows by it.
   * Returns 0 or the errno, such as that of a file system that cannot do so.
   */
  preallocate(descriptor: number, position: number, length: number): number;
  /**
   * Locks what is open under `descriptor`, until that is closed, against every other opening of it.
   * Returns 0 or the errno: `EWOULDBLOCK` if somebody else has the lock.
   */
  lockFile(descriptor: number): number;
}
