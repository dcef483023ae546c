/**
 * Style as a test: what a review would otherwise have to ask for. `node scripts/tidy.mjs` prints
 * each problem as `file:line: what is wrong, and what to do`, and exits with 1 if there is any.
 */
import { circleProblems } from './tidy/circle-rules.mjs';
import { layerProblems } from './tidy/layer-rules.mjs';
import { packageProblems } from './tidy/package-rules.mjs';
import { portProblems } from './tidy/port-rules.mjs';
import { readmeProblems } from './tidy/readme-rules.mjs';
import { textProblems } from './tidy/text-rules.mjs';
import { readTree } from './tidy/tree.mjs';
import { REPOSITORY } from './workspace.mjs';

const RULES = [
  layerProblems,
  circleProblems,
  portProblems,
  textProblems,
  packageProblems,
  readmeProblems,
];

const tree = readTree(REPOSITORY);
const problems = RULES.flatMap((rule) => [...rule(tree)]);
for (const { file, line, message } of problems) console.log(`${file}:${line}: ${message}`);
console.log(
  problems.length === 0
    ? `${tree.files.length} files are tidy`
    : `${problems.length} problems in ${tree.files.length} files`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
