import { DleError, type DleErrorCode } from '../errors.js';

/** Exit codes of programs, beside 0. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** The command line is not what it must be. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** One line for people: code, message, and for some codes what to do. `program`: its name. */
export function failureLine(
  program: string,
  thrown: unknown,
  advice: Partial<Record<DleErrorCode, string>> = {},
): string {
  if (thrown instanceof UsageError) {
    return oneLine(`usage: ${thrown.message}; see "${program} --help"`);
  }
  const { code, message } = failureOf(thrown);
  const what = advice[code];
  return oneLine(`${code}: ${message}${what === undefined ? '' : `; ${what}`}`);
}

/** What the operating system refuses (a missing file, a full disk) has no code of ours yet. */
export function failureOf(thrown: unknown): DleError {
  const system = thrown instanceof Error && 'syscall' in thrown;
  return DleError.from(thrown, system ? 'DLE_IO' : 'DLE_INTERNAL');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
