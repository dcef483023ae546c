import type { DleErrorCode } from '@dle/common';
import { failureLine } from '@dle/common/internal';

/** What to do about an error, for those where that is not plain from its message. */
const ADVICE: Partial<Record<DleErrorCode, string>> = {
  DLE_TIMEOUT: 'see whether the cluster runs with "dle status", or give it a longer --timeout',
  DLE_UNAVAILABLE: 'the cluster has no leader just now: see "dle status", then try again',
  DLE_TRANSFER_FAILED: 'see "dle status" for who leads and who lags, then try again',
  DLE_OVERLOADED: 'try again later, or with fewer requests at once',
  DLE_CURSOR_LOST: 'try again',
  DLE_HELLO_REFUSED: 'see that the endpoints are nodes of dle, of a version that fits this command',
  DLE_DISK_FULL: 'make room on the disk of the nodes',
  DLE_STORAGE_POISONED: 'the log of that node says what is wrong with its disk',
};

/** Where to look whether a command took effect; any other one is about keys. */
const LOOK: ReadonlyMap<string | undefined, string> = new Map([
  ['member', 'dle member list'],
  ['transfer', 'dle status'],
]);

/** One line for people: code, message, what to do. `command`: the one that has failed. */
export function describeFailure(thrown: unknown, command?: string): string {
  const look = LOOK.get(command) ?? 'dle get';
  const unknown = `look whether it did ("${look}") before you give it again`;
  return failureLine('dle', thrown, { ...ADVICE, DLE_OUTCOME_UNKNOWN: unknown });
}
