import type { ServerProcess } from '../../src/testing/index.js';

const MOST_LINES = 10;
/** Of pino. */
const ERROR_LEVEL = 50;

/**
 * Lines of a node's log that no fault of processes or links excuses: errors, failed assertions,
 * stack traces; but for errors with the codes that are `excused`.
 */
export function logProblems(server: ServerProcess, excused: readonly string[] = []): string[] {
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line !== '');
  const bad = lines.filter((line) => isProblem(line, excused));
  const told = bad.slice(0, MOST_LINES).map((line) => `node ${server.options.id} logged: ${line}`);
  const more = bad.length - told.length;
  return more === 0 ? told : [...told, `node ${server.options.id} logged ${more} more such lines`];
}

function isProblem(line: string, excused: readonly string[]): boolean {
  if (line.includes('DLE_INTERNAL')) return true;
  try {
    const { level, code } = JSON.parse(line);
    return level >= ERROR_LEVEL && !excused.includes(code);
  } catch {
    // A line that a kill has cut short is no stack trace.
    return !line.startsWith('{') && !excused.some((code) => line.includes(code));
  }
}
