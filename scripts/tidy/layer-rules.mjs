/** Who may know whom. Imports only ever point down, and go through the public face of a package. */
import { posix } from 'node:path';
import { packageOf } from './tree.mjs';

/**
 * The layers of ARCHITECTURE.md: for each package, the sister packages it may know. Its tests obey
 * too: they are built and run in its place of the order.
 *
 * @type {Record<string, readonly string[]>}
 */
const MAY_KNOW = {
  '@dle/common': [],
  '@dle/storage': ['@dle/common'],
  '@dle/net': ['@dle/common'],
  '@dle/raft': ['@dle/common', '@dle/storage'],
  '@dle/client': ['@dle/common', '@dle/net'],
  '@dle/server': ['@dle/common', '@dle/storage', '@dle/net', '@dle/raft', '@dle/client'],
};
const EVERYTHING = Object.keys(MAY_KNOW);
MAY_KNOW['@dle/sim'] = EVERYTHING;
MAY_KNOW['@dle/bench'] = EVERYTHING;
const THIS_TABLE = 'MAY_KNOW in scripts/tidy/layer-rules.mjs';

const RAFT = /^packages\/raft\//;
/** The only rooms of @dle/raft that know how a log is stored. */
const RAFT_WITH_STORAGE = /^packages\/raft\/(?:src\/log|src\/testing|test)\//;
/** Where helpers made for tests may be used. */
const TESTS = /^(?:(?:packages|apps)\/[^/]+\/(?:test|src\/testing)|apps\/bench|packages\/sim)\//;
const FACES = new Set(['', 'internal', 'testing', 'protocol', 'package.json']);

/**
 * @typedef {import('./tree.mjs').Tree} Tree
 * @typedef {import('./tree.mjs').Problem} Problem
 */

/**
 * @param {Tree} tree
 * @returns {Generator<Problem>}
 */
export function* layerProblems(tree) {
  for (const { folder, manifest } of tree.packages) {
    const file = `${folder}/package.json`;
    if (!(manifest.name in MAY_KNOW)) {
      const message = `${manifest.name} has no layer: add it to ARCHITECTURE.md and ${THIS_TABLE}`;
      yield { file, line: 1, message };
      continue;
    }
    for (const name of dependencyNames(manifest)) {
      const message = layerProblem(manifest.name, name);
      if (message) yield { file, line: lineOf(tree, file, `"${name}"`), message };
    }
  }
  for (const { path, imports } of tree.files) {
    const owner = tree.packages.find(({ folder }) => folder === packageOf(path))?.manifest.name;
    for (const { specifier, line } of imports) {
      const message = layerProblem(owner, sisterPackage(specifier)) ?? faceProblem(path, specifier);
      if (message) yield { file: path, line, message };
    }
  }
}

/**
 * @param {string | undefined} owner
 * @param {string | undefined} name
 */
function layerProblem(owner, name) {
  if (!owner || !(owner in MAY_KNOW) || !name?.startsWith('@dle/')) return undefined;
  if (name === owner || MAY_KNOW[owner].includes(name)) return undefined;
  return `${owner} may not know ${name}: imports only point down; move the code, or pass it in`;
}

/**
 * @param {string} path
 * @param {string} specifier
 */
function faceProblem(path, specifier) {
  if (specifier.startsWith('.')) {
    const owner = packageOf(posix.join(posix.dirname(path), specifier));
    return owner && owner !== packageOf(path)
      ? `${specifier} reaches into ${owner} by its path: import that package by its name`
      : undefined;
  }
  const name = sisterPackage(specifier);
  if (!name) return undefined;
  const face = specifier.slice(name.length + 1);
  if (!FACES.has(face)) {
    return `${specifier} reaches into another package: import ${name}, or ${name}/internal`;
  }
  if (face === 'testing' && !TESTS.test(path)) {
    return `${specifier} is for tests: use it in test/ or src/testing/, not in what ships`;
  }
  if (name === '@dle/storage' && RAFT.test(path) && !RAFT_WITH_STORAGE.test(path)) {
    return 'only src/log of @dle/raft knows @dle/storage: go through the log port';
  }
  return undefined;
}

/**
 * `@dle/x` of `@dle/x/whatever`; undefined for anything else.
 *
 * @param {string} specifier
 */
function sisterPackage(specifier) {
  return /^@dle\/[^/]+/.exec(specifier)?.[0];
}

/** @param {any} manifest */
function dependencyNames(manifest) {
  const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
  return kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}));
}

/**
 * @param {Tree} tree
 * @param {string} path
 * @param {string} text
 */
function lineOf(tree, path, text) {
  const lines = tree.files.find((file) => file.path === path)?.lines ?? [];
  return Math.max(1, lines.findIndex((line) => line.includes(text)) + 1);
}
