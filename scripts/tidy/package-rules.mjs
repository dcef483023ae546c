/** What every package has, so that it can be published, understood and used. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FIELDS = ['version', 'description', 'license', 'type', 'engines', 'exports', 'files'];
const ERROR_CODES = 'packages/common/src/errors.ts';

/**
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
export function* packageProblems(tree) {
  yield* manifestProblems(tree);
  yield* errorCodeProblems(tree);
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
function* manifestProblems({ root, packages }) {
  const version = packages[0]?.manifest.version;
  for (const { folder, manifest } of packages) {
    const file = `${folder}/package.json`;
    for (const field of FIELDS.filter((field) => manifest[field] === undefined)) {
      yield { file, line: 1, message: `no "${field}": add it, as in the other packages` };
    }
    if (manifest.exports?.['.'] && manifest.exports['.'].types === undefined) {
      const message = 'exports "." without "types": its users get no types; put them first';
      yield { file, line: 1, message };
    }
    if (manifest.version !== version) {
      const message = `version ${manifest.version}, not ${version}: all packages share one`;
      yield { file, line: 1, message };
    }
    if (!existsSync(join(root, folder, 'README.md'))) {
      const message = `no README.md beside it: say what ${manifest.name} is, and how to use it`;
      yield { file, line: 1, message };
    }
  }
}

/**
 * Error codes that no README tells what to do about.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
function* errorCodeProblems({ root, packages, files }) {
  const source = files.find(({ path }) => path === ERROR_CODES);
  const readmes = packages
    .map(({ folder }) => join(root, folder, 'README.md'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  for (const [index, text] of (source?.lines ?? []).entries()) {
    const code = /^\s*\| '(DLE_[A-Z_]+)'/.exec(text)?.[1];
    if (code && !new RegExp(`\\b${code}\\b`).test(readmes)) {
      const message = `${code} is in no README: tell there what it means and what to do about it`;
      yield { file: ERROR_CODES, line: index + 1, message };
    }
  }
}
