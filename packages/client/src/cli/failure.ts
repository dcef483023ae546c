import type { DleErrorCode } from '@dle/common';
import { failureLine } from '@dle/common/internal';

/** What to do about an error, for those where that is not plain from its message. */
const ADVICE: Partial<Record<DleErrorCode, string>> = {
  DLE_TIMEOUT: 'see whether the cluster runs with "dle status", or give it a longer --timeout',
  DLE_UNAVAILABLE: 'the cluster has no leader just now: see "dle status", then try again',
  DLE_OUTCOME_UNKNOWN:
    'look whether it did ("dle get", "dle member list") before you give it again',
  DLE_TRANSFER_FAILED: 'see "dle status" for who leads and who lags, then try again',
  DLE_OVERLOADED: 'try again later, or with fewer requests at once',
  DLE_CURSOR_LOST: 'try again',
  DLE_HELLO_REFUSED: 'see that the endpoints are nodes of dle, of a version that fits this command',
  DLE_DISK_FULL: 'make room on the disk of the nodes',
  DLE_STORAGE_POISONED: 'the log of that node says what is wrong with its disk',
};

/** One line for people: code, message, what to do. */
export function describeFailure(thrown: unknown): string {
  return failureLine('dle', thrown, ADVICE);
}
