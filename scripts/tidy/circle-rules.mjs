/** Files that import each other in a circle cannot be read, tested or moved one at a time. */
import { resolveRelative } from './tree.mjs';

/** @typedef {import('./tree.mjs').Problem} Problem */

/**
 * Imports of types alone do not count: they are gone when the code runs. Each circle is told once,
 * at the import that closes it.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<Problem>}
 */
export function* circleProblems(tree) {
  const edges = importsBetweenFiles(tree);
  const finished = new Set();
  const trail = /** @type {string[]} */ ([]);

  /**
   * @param {string} path
   * @returns {Generator<Problem>}
   */
  function* walk(path) {
    trail.push(path);
    for (const { to, line } of edges.get(path) ?? []) {
      const start = trail.indexOf(to);
      if (start !== -1) {
        const circle = [...trail.slice(start), to].join(' → ');
        const message = `imports in a circle: ${circle}; give what both need a file of its own`;
        yield { file: path, line, message };
      } else if (!finished.has(to)) yield* walk(to);
    }
    trail.pop();
    finished.add(path);
  }
  for (const path of edges.keys()) if (!finished.has(path)) yield* walk(path);
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Map<string, { to: string, line: number }[]>}
 */
function importsBetweenFiles({ root, files }) {
  const edges = new Map();
  for (const { path, imports, lines } of files) {
    const isOfTypes = (/** @type {number} */ line) => isTypeImport(lines, line);
    const targets = imports
      .filter(({ specifier, line }) => specifier.startsWith('.') && !isOfTypes(line))
      .map(({ specifier, line }) => ({ to: resolveRelative(root, path, specifier), line }));
    edges.set(
      path,
      targets.filter(({ to }) => to !== undefined),
    );
  }
  return edges;
}

/**
 * Whether the import whose source is named on `line` begins with `import type` or `export type`.
 *
 * @param {readonly string[]} lines
 * @param {number} line
 * @returns {boolean}
 */
function isTypeImport(lines, line) {
  let first = line - 1;
  while (first > 0 && !/^(?:import|export)\b/.test(lines[first] ?? '')) first--;
  return /^(?:import|export) type\b/.test(lines[first] ?? '');
}
