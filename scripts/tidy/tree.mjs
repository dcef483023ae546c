/** What the tidy rules look at: every file that people wrote, its lines, its code, its imports. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { workspacePackages } from '../workspace.mjs';
import { blankOut } from './blank-out.mjs';

/** Made by tools, or kept as data: nobody's style. */
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'testdata', 'coverage']);
/** What a cluster that runs here keeps. */
const DATA = 'data';
const SOURCE = /\.(?:ts|tsx|mjs|js)$/;
const LOCK_FILE = 'pnpm-lock.yaml';
const TEXT = /\.(?:ts|tsx|mjs|js|json|md|sh|c|h|yaml)$/;
const IMPORT = /(?<![.\w])(?:from\s*|import\s*\(?\s*)(['"]) *\1/g;

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {number} line
 *
 * @typedef {object} SourceFile
 * @property {string} path relative to the top folder, with forward slashes
 * @property {string[]} lines
 * @property {string} code the text with comments, strings and the like blanked out; '' if not code
 * @property {Import[]} imports
 *
 * @typedef {object} Problem
 * @property {string} file
 * @property {number} line 1 when the whole file is meant
 * @property {string} message what is wrong, and what to do
 *
 * @typedef {object} Tree
 * @property {string} root
 * @property {import('../workspace.mjs').WorkspacePackage[]} packages
 * @property {SourceFile[]} files
 */

/**
 * @param {string} root the top folder of the repository
 * @returns {Tree}
 */
export function readTree(root) {
  const files = listFiles(root, '').map((path) => readSource(root, path));
  return { root, packages: workspacePackages(root), files };
}

/**
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
function listFiles(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === '.test-report.json') return [];
    const { name } = entry;
    const path = posix.join(folder, name);
    if (!entry.isDirectory()) return TEXT.test(name) && name !== LOCK_FILE ? [path] : [];
    const isSkipped = SKIPPED_FOLDERS.has(name) || name.startsWith('.') || path === DATA;
    return isSkipped ? [] : listFiles(root, path);
  });
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {SourceFile}
 */
function readSource(root, path) {
  const text = readFileSync(join(root, path), 'utf8');
  const code = SOURCE.test(path) ? blankOut(text) : '';
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { path, lines, code, imports: findImports(text, code) };
}

/**
 * @param {string} text
 * @param {string} code
 * @returns {Import[]}
 */
function findImports(text, code) {
  return [...code.matchAll(IMPORT)].map((match) => {
    const end = match.index + match[0].length - 1;
    const start = code.lastIndexOf(match[1], end - 1) + 1;
    return { specifier: text.slice(start, end), line: lineAt(code, start) };
  });
}

/**
 * The line, from 1, that `offset` lies in.
 *
 * @param {string} text
 * @param {number} offset
 */
export function lineAt(text, offset) {
  return text.slice(0, offset).split('\n').length;
}

/**
 * The folder of the package a file belongs to, such as `packages/net`; undefined outside of them.
 *
 * @param {string} path
 */
export function packageOf(path) {
  return /^(?:packages|apps)\/[^/]+(?=\/)/.exec(path)?.[0];
}

/**
 * The file that a relative import means; undefined if there is none.
 *
 * @param {string} root
 * @param {string} from the file that imports
 * @param {string} specifier
 */
export function resolveRelative(root, from, specifier) {
  const path = posix.join(posix.dirname(from), specifier);
  const candidates = [path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx'), path];
  return candidates.find((candidate) => existsSync(join(root, candidate)));
}
