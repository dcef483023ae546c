import { DleError, type DleErrorCode } from '@dle/common';

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The command line is not what it must be. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** What to do about an error, for those where that is not plain from its message. */
const ADVICE: Partial<Record<DleErrorCode, string>> = {
  DLE_TIMEOUT: 'see whether the cluster runs with "dle status", or give it a longer --timeout',
  DLE_UNAVAILABLE: 'the cluster has no leader just now: see "dle status", then try again',
  DLE_OUTCOME_UNKNOWN: 'read the key to find out, then write it again if need be',
  DLE_OVERLOADED: 'try again later, or with fewer requests at once',
  DLE_CURSOR_LOST: 'try again',
  DLE_HELLO_REFUSED: 'see that the endpoints are nodes of dle, of a version that fits this command',
  DLE_DISK_FULL: 'make room on the disk of the nodes',
  DLE_STORAGE_POISONED: 'the log of that node says what is wrong with its disk',
};

/** One line for people: code, message, what to do. */
export function describeFailure(thrown: unknown): string {
  if (thrown instanceof UsageError) return oneLine(`usage: ${thrown.message}; see "dle --help"`);
  const error = asDleError(thrown);
  const advice = ADVICE[error.code];
  return oneLine(`${error.code}: ${error.message}${advice === undefined ? '' : `; ${advice}`}`);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}

/** What the operating system refuses (a missing file, a full disk) has no code of ours yet. */
function asDleError(thrown: unknown): DleError {
  const system = thrown instanceof Error && 'syscall' in thrown;
  return DleError.from(thrown, system ? 'DLE_IO' : 'DLE_INTERNAL');
}
