/** How files are named and how they look: what a reader notices before the first word. */
import { basename } from 'node:path';

const MAX_LINES = 400;
const MAX_COLUMNS = 100;
const CODE = /\.(?:ts|tsx|mjs|js|sh|c|h)$/;
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)+$/;
const FOLDER = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Known by this name to everybody who starts a cluster. */
const NAMED_OTHERWISE = new Set(['scripts/run_cluster.sh']);
/** Explaining more must not cost anything. */
const COMMENT = /^\s*(?:\/?\*|\/\/)/;
/** A sentence for people: the formatter does not break it, and it is found by searching for it. */
const LITERAL = /['`"/].{40,}['`"/]/;
/** Split, so that this file does not hold what it looks for. */
const LEFTOVER = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`);

/**
 * @param {import('./tree.mjs').Tree} tree
 * @returns {Generator<import('./tree.mjs').Problem>}
 */
export function* textProblems(tree) {
  for (const { path, lines } of tree.files) {
    for (const [index, text] of lines.entries()) {
      const leftover = LEFTOVER.exec(text)?.[0];
      if (leftover) {
        const message = `${leftover} left behind: do it now, or file an issue`;
        yield { file: path, line: index + 1, message };
      }
      if (CODE.test(path) && text.length > MAX_COLUMNS && !LITERAL.test(text)) {
        const message = `${text.length} columns: break the line at ${MAX_COLUMNS}`;
        yield { file: path, line: index + 1, message };
      }
    }
    if (!CODE.test(path)) continue;
    const length = lines.filter((line) => !COMMENT.test(line)).length;
    if (length > MAX_LINES && !path.includes('/test/')) {
      const message = `${length} lines: give its second concept a file of its own`;
      yield { file: path, line: MAX_LINES + 1, message };
    }
    const folders = path.split('/').slice(0, -1);
    const isNamedWell =
      KEBAB_CASE.test(basename(path)) && folders.every((name) => FOLDER.test(name));
    if (!isNamedWell && !NAMED_OTHERWISE.has(path)) {
      yield { file: path, line: 1, message: 'name it in kebab-case, like the files beside it' };
    }
  }
}
