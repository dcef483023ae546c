import { type EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DleLevel, freshLocation } from './dle-level.js';

/** What a harness of tape tells of what it runs. */
interface TapeRow {
  readonly type: 'test' | 'assert' | 'end';
  readonly id?: number;
  readonly name?: string;
  readonly test?: number;
  readonly ok?: boolean;
  readonly skip?: unknown;
  readonly todo?: unknown;
  readonly error?: unknown;
  readonly expected?: unknown;
  readonly actual?: unknown;
}

interface Harness {
  (name: string, run: (t: unknown) => void): void;
  createStream(options: { objectMode: true }): EventEmitter;
}

const require = createRequire(import.meta.url);
const tape: { createHarness(): Harness } = require('tape');
const suite: (options: object) => void = require('abstract-level/test');

it('passes the public test suite of abstract-level', { timeout: 300_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dle-level-'));
  const harness = tape.createHarness();
  // It tells of the tests that it is given from now on.
  const rows = harness.createStream({ objectMode: true });
  suite({
    test: harness,
    factory: (options?: object) => new DleLevel(freshLocation(directory), options),
  });
  const tests = new Map<number, string>();
  const failures: string[] = [];
  let passed = 0;
  rows.on('data', (row: TapeRow) => {
    const isLeftOut = Boolean(row.skip) || Boolean(row.todo);
    if (row.type === 'test') tests.set(row.id!, row.name!);
    if (row.type === 'assert' && row.ok === true && !isLeftOut) passed++;
    else if (row.type === 'assert' || isLeftOut) failures.push(describe(tests.get(row.test!), row));
  });
  await once(rows, 'end');
  expect(failures).toEqual([]);
  expect(passed).toBeGreaterThan(5_000);
  await rm(directory, { recursive: true });
});

function describe(test: string | undefined, row: TapeRow): string {
  const { name, error, expected, actual } = row;
  return `${test}: ${name}: ${JSON.stringify({ expected, actual, error: String(error) })}`;
}
