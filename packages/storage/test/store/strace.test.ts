import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogStore, nativeStatus } from '../../src/index.js';
import { Child } from '../support/child.js';
import { canTrace, type Fault, runWithFault } from '../support/traced.js';
import { changesOf } from '../support/writes.mjs';

/** A call, an error, and at which of its calls it comes: for `strace --inject`. */
type Case = readonly [call: string, error: string, ...when: string[]];

/** The device: what was accepted may have been lost. */
const WRITING: readonly Case[] = [
  ['fdatasync', 'EIO', '1', '4', '11', '1+'],
  ['fdatasync', 'ENOSPC', '3'],
  ['fdatasync', 'EINTR', '2'],
  ['fsync', 'EIO', '1', '3'],
  ['pwritev', 'EIO', '1', '7'],
  ['pwritev', 'ENOSPC', '3', '1+'],
  ['pwrite64', 'EIO', '1', '2+'],
  ['pwrite64', 'ENOSPC', '1+'],
  // Files that cannot be made, found or read.
  ['openat', 'EMFILE', '1', '3', '4', '9', '5+'],
  ['openat', 'EIO', '2', '12'],
  ['pread64', 'EIO', '1', '6', '1+', '3+2'],
  ['rename', 'EIO', '1+'],
  // Only the addon asks for these.
  ['fallocate', 'ENOSPC', '1', '1+', '3+'],
  ['fallocate', 'EIO', '2'],
];

const STARTING: readonly Case[] = [
  ['openat', 'EMFILE', '1', '2', '3', '4', '5'],
  ['getdents64', 'EIO', '1', '3'],
  ['pread64', 'EIO', '1', '6'],
  ['link', 'EIO', '1+'],
  ['fdatasync', 'EIO', '1'],
  ['fsync', 'EIO', '1'],
  ['pwritev', 'EIO', '1'],
  ['fallocate', 'ENOSPC', '1+'],
  ['flock', 'ENOLCK', '1+'],
];

/** The store has another way, or tries again: nobody notices. */
const UNNOTICED: readonly Case[] = [
  ['pwritev', 'EINTR', '1+2'],
  ['pread64', 'EINTR', '1+2'],
  ['fallocate', 'EINTR', '1+2'],
  ['fallocate', 'EOPNOTSUPP', '1+'],
  ['mmap', 'ENOMEM', '2', '1+'],
];

/** Calls without which nothing can be read. */
const READING = ['openat', 'pread64'];

const CODES = ['DLE_STORAGE_POISONED', 'DLE_DISK_FULL', 'DLE_IO'];
const REFUSAL = new RegExp(`^refused \\d+ (${CODES.join('|')}) (none|unknown)$`);
const FAILURE = new RegExp(`^(read \\d+|un\\w+|not again) (${CODES.join('|')}) (none|unknown)$`);
const FINE = /^(ready|open \d+ \d+|done \d+|read \d+ fine|flushed|closed|stats .*|again \d+)$/;

/** What a killed writer left behind: it is recovered before, or while, calls fail. */
let pristine: string;
let root: string;
/** The writes in it. */
let prior: number;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dle-strace-'));
  pristine = join(root, 'pristine');
  const child = await Child.start('writer.mjs', pristine, '16384', 'flush');
  await child.saysMoreThan(60);
  await child.kill();
  const probe = join(root, 'probe');
  await cp(pristine, probe, { recursive: true });
  await using store = await LogStore.open(probe);
  prior = store.stats().lastIndex;
});

afterAll(() => rm(root, { recursive: true }));

async function run(fault: Fault, begins: string): Promise<readonly string[]> {
  const directory = await mkdtemp(join(root, 'store-'));
  await cp(pristine, directory, { recursive: true });
  // Of all that a process maps, only the segments; there are never more.
  const segments = Array.from({ length: 40 }, (_, n) =>
    join(directory, `${(n + 1).toString(16).padStart(16, '0')}.segment`),
  );
  const paths = fault.call === 'mmap' ? segments : [];
  const outcome = await runWithFault('faulty.mjs', [directory, begins], { ...fault, paths });
  expect(outcome).toMatchObject({ code: 0, signal: null, errors: '' });
  for (const line of outcome.lines) {
    if (!FINE.test(line) && !REFUSAL.test(line) && !FAILURE.test(line)) {
      expect(line, 'no error is without a name').toBe('');
    }
  }
  // What cannot be written any more can be read all the same.
  const { lines } = outcome;
  if (!READING.includes(fault.call)) {
    expect(lines.filter((line) => /^read/.test(line) && !FINE.test(line))).toEqual([]);
  }
  await expectNothingLost(directory, lines);
  return lines;
}

/** Opened without faults, it holds all that was acknowledged, and of the rest a part in order. */
async function expectNothingLost(directory: string, lines: readonly string[]): Promise<void> {
  const outcomes = new Map<number, string>();
  let poisoned = false;
  for (const line of lines) {
    const [word, n, code, effect] = line.split(' ');
    if (word !== 'done' && word !== 'refused') continue;
    expect(word === 'done' && poisoned, 'acknowledged after a failure').toBe(false);
    if (code === 'DLE_STORAGE_POISONED') poisoned = true;
    outcomes.set(Number(n), word === 'done' ? word : effect!);
  }
  const effective = Array.from({ length: prior }, (_, n) => n + 1);
  let sure = prior;
  for (const n of [...outcomes.keys()].sort((a, b) => a - b)) {
    if (outcomes.get(n) === 'none') continue;
    effective.push(n);
    if (outcomes.get(n) === 'done') sure = effective.length;
  }
  await using store = await LogStore.open(directory);
  const { lastIndex, keys } = store.stats();
  expect(lastIndex).toBeGreaterThanOrEqual(sure);
  expect(lastIndex).toBeLessThanOrEqual(effective.length);
  const model = new Map<string, string>();
  for (const change of effective.slice(0, lastIndex).flatMap(changesOf)) {
    if (change.type === 'put') model.set(change.key, change.value);
    else model.delete(change.key);
  }
  expect(keys).toBe(model.size);
  for (const [key, value] of model) {
    expect(Buffer.from(store.getSync(key) ?? []).toString()).toBe(value);
  }
}

const traced = canTrace();
if (!traced) console.log('Failing system calls are not tried: strace is missing, or may not trace');

const each = (cases: readonly Case[]) =>
  cases
    .filter(([call]) => nativeStatus().loaded || !['fallocate', 'flock', 'mmap'].includes(call))
    .flatMap(([call, error, ...whens]) => whens.map((when) => ({ call, error, when })));

describe.runIf(traced)('a process whose system calls fail', () => {
  it.each(each(WRITING))(
    'says what it could not do, and loses nothing: $error of $call, $when, while it writes',
    async (fault) => {
      await run(fault, 'after open');
    },
  );

  it.each(each(STARTING))(
    'says what it could not do, and loses nothing: $error of $call, $when, from its start on',
    async (fault) => {
      await run(fault, 'before open');
    },
  );

  it.each(each(UNNOTICED))('goes on: $error of $call, $when', async (fault) => {
    const lines = await run(fault, 'before open');
    expect(lines.filter((line) => !FINE.test(line))).toEqual([]);
  });
});
