/** Small repositories for the rules to look at. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { readTree } from '../tidy/tree.mjs';

/**
 * A folder with these files in it, removed after the test.
 *
 * @param {Record<string, string | object>} files text, or what becomes JSON, by path
 */
export function makeFolder(files) {
  const root = mkdtempSync(join(tmpdir(), 'dle-scripts-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2);
    writeFileSync(join(root, path), text);
  }
  return root;
}

/**
 * What `rule` finds in such a folder, as `path:line: message`.
 *
 * @param {(tree: import('../tidy/tree.mjs').Tree) => Iterable<import('../tidy/tree.mjs').Problem>}
 *   rule
 * @param {Record<string, string | object>} files
 */
export function findings(rule, files) {
  const tree = readTree(makeFolder(files));
  return [...rule(tree)].map(({ file, line, message }) => `${file}:${line}: ${message}`);
}

/**
 * A package.json with everything in it, but for what `changes` change.
 *
 * @param {string} name
 * @param {object} changes
 */
export function manifest(name, changes = {}) {
  return {
    name,
    version: '1.0.0',
    description: 'a package',
    license: 'MIT',
    type: 'module',
    engines: { node: '>=20.19' },
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist'],
    ...changes,
  };
}
