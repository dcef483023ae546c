import type { DleErrorCode } from '@dle/common';

/** What faults may make a cluster say to its clients. */
export const EXPECTED_CODES: readonly DleErrorCode[] = [
  'DLE_TIMEOUT',
  'DLE_OUTCOME_UNKNOWN',
  'DLE_UNAVAILABLE',
  'DLE_NOT_LEADER',
  'DLE_MEMBER_REMOVED',
  'DLE_CONNECTION_LOST',
  'DLE_OVERLOADED',
  'DLE_CLOSED',
  'DLE_IO',
  'DLE_STORAGE_POISONED',
  'DLE_DISK_FULL',
];
