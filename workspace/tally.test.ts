import { expect, test } from 'vitest';
import { type TestReport, tally } from './tally.ts';

const report: TestReport = {
  success: true,
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
};

test('counts what passed, failed and was skipped', () => {
  expect(tally(report)).toEqual({ passed: 3, failed: 0, skipped: 2 });
  const failing = [{ status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'failed' }] }];
  expect(tally({ ...report, success: false, numFailedTests: 2, testResults: failing }).failed).toBe(2);
});

test('a file that did not load, a run that broke and a missing report are failures', () => {
  const broken = [{ status: 'failed', assertionResults: [] }];
  expect(tally({ ...report, success: false, testResults: broken }).failed).toBe(1);
  expect(tally({ ...report, success: false }).failed).toBe(1);
  expect(tally(undefined)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
