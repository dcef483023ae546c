/** What the README tells people to type must be there to be typed. */
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../workspace.mjs';

const README = 'README.md';
const HERE = 'scripts/tidy/readme-rules.mjs';
/** What every machine has that runs dle, or its shell. */
const ORDINARY = new Set([
  ...['cat', 'cd', 'cp', 'curl', 'echo', 'export', 'git', 'head', 'kill', 'mkdir', 'node', 'npm'],
  ...['printf', 'rm', 'seq', 'sleep', 'tail', 'time', 'wc'],
]);
const PNPM_COMMANDS = new Set(['add', 'exec', 'install', 'pack', 'publish', 'run', 'test']);

/**
 * Commands in the `sh` blocks of the README at the top that nothing here answers to.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
export function* readmeProblems(tree) {
  const lines = tree.files.find(({ path }) => path === README)?.lines ?? [];
  let isInShell = false;
  let continues = false;
  for (const [index, text] of lines.entries()) {
    if (/^\s*```/.test(text)) isInShell = /^\s*```sh\s*$/.test(text);
    else if (isInShell && !continues) {
      const message = commandProblem(tree, text);
      if (message) yield { file: README, line: index + 1, message };
    }
    continues = text.endsWith('\\');
  }
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} text one line of a shell block
 * @returns {string | undefined}
 */
function commandProblem(tree, text) {
  const words = text
    .replace(/^\s*\$ /, '')
    .split(/\s+/)
    .filter((word) => word !== '' && !word.startsWith('-'));
  while (/^[A-Z_]+=/.test(words[0] ?? '')) words.shift();
  // `npx pnpm@10 bench` is `pnpm bench`.
  if (words[0] === 'npx' && words[1]?.startsWith('pnpm')) words.splice(0, 2, 'pnpm');
  const [command, argument = ''] = words;
  if (command === undefined || command.startsWith('#')) return undefined;
  if (/^(?:\.|scripts)\//.test(command)) {
    return isExecutable(join(tree.root, command)) ? undefined : `there is no program ${command}`;
  }
  if (command === 'npx') {
    return isProgram(tree, argument) ? undefined : `no package here has a program ${argument}`;
  }
  if (command === 'pnpm') {
    return isScript(tree, argument) ? undefined : `package.json has no script ${argument}`;
  }
  if (command === 'node' && argument.includes('/')) {
    return existsSync(join(tree.root, argument)) ? undefined : `there is no file ${argument}`;
  }
  if (ORDINARY.has(command)) return undefined;
  return `${command} is not known: correct it, or add it to ORDINARY in ${HERE}`;
}

/**
 * Whether `name` is a program of one of our packages, or a tool that they are made with.
 *
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} name
 */
function isProgram(tree, name) {
  const { devDependencies = {} } = readJson(join(tree.root, 'package.json'));
  return (
    name in devDependencies || tree.packages.some(({ manifest }) => name in (manifest.bin ?? {}))
  );
}

/**
 * @param {import('./tree.mjs').Tree} tree
 * @param {string} name
 */
function isScript(tree, name) {
  const { scripts = {} } = readJson(join(tree.root, 'package.json'));
  return PNPM_COMMANDS.has(name) || name in scripts;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
