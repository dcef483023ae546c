/** Files that import each other in a circle cannot be read, tested or moved one at a time. */
import { resolveRelative } from './tree.mjs';

/** @typedef {import('./tree.mjs').Problem} Problem */

/**
 * Imports of types count too. Each circle is told once, at the import that closes it.
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
  for (const { path, imports } of files) {
    const targets = imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .map(({ specifier, line }) => ({ to: resolveRelative(root, path, specifier), line }));
    edges.set(
      path,
      targets.filter(({ to }) => to !== undefined),
    );
  }
  return edges;
}
