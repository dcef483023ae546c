import { expect, test } from 'vitest';
import { lastLine } from '../cluster/nodes.mjs';
import { startTimeOf } from '../cluster/process-time.mjs';
import { isRunning } from '../cluster/roster.mjs';
import { checkNodeVersion } from '../setup.mjs';

test.each(['20.19.0', '20.20.2', '22.0.0', '100.1.0'])('Node %s will do', (version) => {
  checkNodeVersion(version);
});

test.each(['20.18.9', '18.20.0', '9.99.9'])('Node %s is too old, in one line', (version) => {
  expect(() => checkNodeVersion(version)).toThrow(
    `dle needs Node 20.19 or newer; this is Node ${version}.`,
  );
});

test('the last line of a log is the last that says something', () => {
  expect(lastLine('first\nlast\n\n')).toBe('last');
  expect(lastLine('Error: why\n\nNode.js v20.20.2\n')).toBe('Error: why');
  expect(lastLine('')).toBe('(nothing)');
});

test('a process is known by its pid and its start, not by its pid alone', () => {
  const startTime = startTimeOf(process.pid);
  expect(startTime).toMatch(/\d/);
  const entry = { name: 'node 1', pid: process.pid, startTime: `${startTime}` };
  expect(isRunning(entry)).toBe(true);
  expect(isRunning({ ...entry, startTime: '1' })).toBe(false);
  expect(isRunning({ ...entry, pid: 2 ** 22 + 1 })).toBe(false);
});
