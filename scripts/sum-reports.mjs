/**
 * Adds up what the test runs reported: `node scripts/sum-reports.mjs [name of a step that
 * failed]…`. The last line is the sum, "N passed, N failed". A step that failed counts as one
 * failure, unless the reports name its failures.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY, readJson, workspacePackages } from './workspace.mjs';

const REPORT = '.test-report.json';
/** The step of test.sh whose failures the reports name. */
const TEST_STEP = 'tests';

/**
 * @param {string} root
 * @param {readonly string[]} failedSteps
 * @returns {{ passed: number, failed: number, skipped: number, complaints: string[] }}
 */
export function sumReports(root, failedSteps) {
  const sum = { passed: 0, failed: 0, skipped: 0, complaints: /** @type {string[]} */ ([]) };
  const complain = (/** @type {number} */ failures, /** @type {string} */ message) => {
    sum.failed += failures;
    sum.complaints.push(message);
  };
  for (const folder of testedFolders(root)) {
    const file = join(root, folder, REPORT);
    if (!existsSync(file)) {
      complain(1, `${folder}: its tests left no report`);
      continue;
    }
    const report = readJson(file);
    sum.passed += report.numPassedTests;
    sum.skipped += report.numPendingTests + report.numTodoTests;
    const failed = report.numFailedTests + countBrokenFiles(report);
    if (failed > 0) complain(failed, `${folder}: ${failed} failed`);
    else if (!report.success) complain(1, `${folder}: the run failed outside its tests`);
  }
  for (const step of failedSteps) {
    if (step !== TEST_STEP) complain(1, `failed: ${step}`);
    else if (sum.failed === 0) complain(1, 'failed: the test run, with no failure in its reports');
  }
  if (sum.passed + sum.failed === 0) complain(1, 'no test was run');
  return sum;
}

/** @param {string} root */
function testedFolders(root) {
  const packages = workspacePackages(root).filter(({ manifest }) => manifest.scripts?.test);
  return [...packages.map(({ folder }) => folder), 'scripts'];
}

/**
 * Test files that failed before or beside their tests, at import for example: no test in them says
 * so.
 * @param {any} report
 */
function countBrokenFiles(report) {
  return report.testResults.filter(
    (/** @type {any} */ file) =>
      file.status === 'failed' &&
      !file.assertionResults.some((/** @type {any} */ test) => test.status === 'failed'),
  ).length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed, skipped, complaints } = sumReports(REPOSITORY, process.argv.slice(2));
  for (const complaint of complaints) console.log(complaint);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}
