import { DleError } from '@dle/common';

export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** As shells have it of a program that Ctrl-C has ended. */
const EXIT_INTERRUPTED = 130;

/** The command line is not what it must be. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** One line for people: code and message, which says what to do. */
export function describeFailure(thrown: unknown): string {
  if (thrown instanceof UsageError) return oneLine(`usage: ${thrown.message}; see --help`);
  const { code, message } = asDleError(thrown);
  return oneLine(`${code}: ${message}`);
}

export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof UsageError) return EXIT_USAGE;
  return asDleError(thrown).code === 'DLE_ABORTED' ? EXIT_INTERRUPTED : EXIT_FAILED;
}

/** What the operating system refuses (a missing file, a full disk) has no code of ours yet. */
function asDleError(thrown: unknown): DleError {
  const system = thrown instanceof Error && 'syscall' in thrown;
  return DleError.from(thrown, system ? 'DLE_IO' : 'DLE_INTERNAL');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*[\r\n]+\s*/g, ' ');
}
