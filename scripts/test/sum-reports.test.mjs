import { expect, test } from 'vitest';
import { sumReports } from '../sum-reports.mjs';
import { makeFolder, manifest } from './trees.mjs';

const PASSED = { status: 'passed', assertionResults: [{ status: 'passed' }] };
const FAILED = { status: 'failed', assertionResults: [{ status: 'passed' }, { status: 'failed' }] };
/** At import, say: it has no tests to blame. */
const BROKEN = { status: 'failed', assertionResults: [] };

/** A report of vitest, as far as it is read. */
function report(/** @type {object} */ changes = {}) {
  return {
    success: true,
    numPassedTests: 5,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [PASSED],
    ...changes,
  };
}

/** The sum over one package, with this report, and the scripts, with 5 passed. */
function sumWith(
  /** @type {object | undefined} */ changed,
  failedSteps = /** @type {string[]} */ ([]),
) {
  const root = makeFolder({
    'packages/a/package.json': manifest('@dle/a', { scripts: { test: 'vitest run' } }),
    ...(changed && { 'packages/a/.test-report.json': changed }),
    'packages/untested/package.json': manifest('@dle/untested'),
    'scripts/.test-report.json': report(),
  });
  const { passed, failed, skipped } = sumReports(root, failedSteps);
  return { passed, failed, skipped };
}

test('what passed is added up', () => {
  expect(sumWith(report())).toEqual({ passed: 10, failed: 0, skipped: 0 });
});

test('what was skipped is told apart', () => {
  const skipped = report({ numPendingTests: 2, numTodoTests: 1 });
  expect(sumWith(skipped)).toEqual({ passed: 10, failed: 0, skipped: 3 });
});

test('failures count once, though the step that ran them failed too', () => {
  const failed = report({ success: false, numFailedTests: 1, testResults: [PASSED, FAILED] });
  expect(sumWith(failed, ['tests'])).toEqual({ passed: 10, failed: 1, skipped: 0 });
});

test('a test file that could not be loaded is a failure', () => {
  const broken = report({ success: false, testResults: [PASSED, BROKEN] });
  expect(sumWith(broken, ['tests'])).toEqual({ passed: 10, failed: 1, skipped: 0 });
});

test('a run that failed beside its tests is a failure', () => {
  expect(sumWith(report({ success: false })).failed).toBe(1);
});

test('a package whose tests left no report is a failure', () => {
  expect(sumWith(undefined)).toEqual({ passed: 5, failed: 1, skipped: 0 });
});

test('each other step that failed is a failure', () => {
  expect(sumWith(report(), ['lint', 'tidy'])).toEqual({ passed: 10, failed: 2, skipped: 0 });
});

test('a test run that failed, though no report says why, is a failure', () => {
  expect(sumWith(report(), ['tests']).failed).toBe(1);
});

test('no test at all is a failure', () => {
  const none = report({ numPassedTests: 0, testResults: [] });
  const root = makeFolder({ 'scripts/.test-report.json': none });
  expect(sumReports(root, [])).toMatchObject({ passed: 0, failed: 1 });
});
