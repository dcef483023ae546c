/**
 * Time and chance come through ports, and the consensus core knows neither: runs can be repeated.
 */
import { lineAt } from './tree.mjs';

const CORE = /^packages\/raft\/src\/core\//;
const CORE_IMPORTS = /^(?:\.\/|@dle\/common$)/;

/** Where everything that waits or draws lots goes through `Clock` and `Random`. */
const PORTED = /^(?:packages\/(?:storage|net|raft|client)|apps\/server)\/src\//;
/** Programs that a person starts, and helpers of tests: they own the real clock. */
const UNPORTED = /\/src\/(?:(?:cli|testing)\/|main\.ts$)/;

/** An interval that does nothing is not a clock: it holds the process while a call is under way. */
const TIMER = 'set(?:Timeout|Interval(?!\\(\\(\\) => \\{\\})|Immediate)';
const CLOCK_MODULES = /^(?:node:)?(?:timers|timers\/promises|perf_hooks)$/;
const CLOCK_OR_CHANCE = new RegExp(
  [
    '\\bDate\\.now\\b|\\bnew Date\\(\\)|\\bMath\\.random\\b',
    `(?<![.\\w#])(?:performance\\.now|${TIMER})\\b`,
  ].join('|'),
  'g',
);
const IMPURE = new RegExp(
  [
    '(?<![.\\w#])(?:Date|performance|process|console|crypto|globalThis|Promise|async|await|fetch',
    `queueMicrotask|${TIMER})\\b`,
    '\\bMath\\.random\\b',
  ].join('|'),
  'g',
);

/**
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
export function* portProblems(tree) {
  for (const file of tree.files) {
    if (CORE.test(file.path)) yield* coreProblems(file);
    else if (PORTED.test(file.path) && !UNPORTED.test(file.path)) yield* clockProblems(file);
  }
}

/**
 * @param {import('./tree.mjs').SourceFile} file
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
function* coreProblems({ path, code, imports }) {
  for (const { specifier, line } of imports) {
    if (CORE_IMPORTS.test(specifier)) continue;
    const message = `the core may not import ${specifier}: only files beside it and @dle/common`;
    yield { file: path, line, message };
  }
  for (const { 0: word, index } of code.matchAll(IMPURE)) {
    const message = `the core is pure, without ${word}: let the driver do it and send an event`;
    yield { file: path, line: lineAt(code, index), message };
  }
}

/**
 * @param {import('./tree.mjs').SourceFile} file
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
function* clockProblems({ path, code, imports }) {
  const remedy = 'use the Clock or Random that you are given, so that a simulator can own it';
  for (const { specifier, line } of imports) {
    if (!CLOCK_MODULES.test(specifier)) continue;
    yield { file: path, line, message: `no ${specifier} here: ${remedy}` };
  }
  for (const { 0: word, index } of code.matchAll(CLOCK_OR_CHANCE)) {
    yield { file: path, line: lineAt(code, index), message: `no ${word} here: ${remedy}` };
  }
}
