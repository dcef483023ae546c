import type { ServerProcess } from '../../src/testing/index.js';

const MOST_LINES = 10;
/** Of pino. */
const ERROR_LEVEL = 50;

/**
 * Lines of a node's log that no fault of processes or links excuses: errors, failed assertions,
 * stack traces.
 */
export function logProblems(server: ServerProcess): string[] {
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line !== '');
  const bad = lines.filter(isProblem);
  const told = bad.slice(0, MOST_LINES).map((line) => `node ${server.options.id} logged: ${line}`);
  const more = bad.length - told.length;
  return more === 0 ? told : [...told, `node ${server.options.id} logged ${more} more such lines`];
}

function isProblem(line: string): boolean {
  if (line.includes('DLE_INTERNAL')) return true;
  try {
    return JSON.parse(line).level >= ERROR_LEVEL;
  } catch {
    // A line that a kill has cut short is no stack trace.
    return !line.startsWith('{');
  }
}
