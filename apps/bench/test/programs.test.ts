import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WORKLOAD_NAMES } from '../src/storage/workloads.js';

const PROGRAM = fileURLToPath(new URL('../bin/bench.js', import.meta.url));
const POLL_MS = 20;

let directory: string;
let children: ChildProcess[] = [];
/** What our children have started: only a failed test leaves any of them. */
let grandchildren: number[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dle-bench-test-'));
});

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const pid of grandchildren.filter(isAlive)) process.kill(pid, 'SIGKILL');
  children = [];
  grandchildren = [];
  rmSync(directory, { recursive: true, force: true });
});

/** Starts the program as if its flags had been typed in `directory`; its data go there too. */
function start(...words: string[]): ChildProcess {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    env: { ...process.env, INIT_CWD: directory, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function finish(child: ChildProcess) {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, ...output };
}

function json() {
  return JSON.parse(readFileSync(join(directory, 'out.json'), 'utf8'));
}

const POSITIVE = expect.toSatisfy((value: number) => value > 0, 'positive');
const SUMMARY = {
  operations: POSITIVE,
  operationsPerSecond: POSITIVE,
  medianMs: POSITIVE,
  p99Ms: POSITIVE,
  spread: expect.any(Number),
};

function row(operation: string, inFlight: number) {
  const durability = expect.stringMatching(/flush|operating system|written|done/);
  const summaries = { measured: SUMMARY, limit: SUMMARY, ratio: POSITIVE };
  return expect.objectContaining({ operation, inFlight, durability, ...summaries });
}

const MACHINE = { cpus: POSITIVE, node: process.versions.node, fdatasyncMedianMs: POSITIVE };

describe('the programs', () => {
  it('bench measures one store, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await finish(start('--ops', '1000', '--json', 'out.json'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('uniform random reads');
    const { machine, rows } = json();
    expect(machine).toMatchObject(MACHINE);
    const mixed = [row('mixed, 20 % writes', 256), row('  its reads', 1), row('  its writes', 256)];
    expect(rows).toEqual([
      row('sequential reads', 1),
      row('uniform random reads', 1),
      row('batched writes', 256),
      row('batched writes', 256),
      ...mixed,
      ...mixed,
    ]);
    expect(readdirSync(directory)).toEqual(['out.json']);
  });

  it('bench cluster measures three nodes, and leaves nothing behind', async () => {
    const started = start('cluster', '--ops', '100', '--json', 'out.json');
    const { exitCode, stderr } = await finish(started);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { machine, rows, targets } = json();
    expect(machine).toMatchObject(MACHINE);
    expect(targets.length).toBeGreaterThanOrEqual(3);
    const points = (operation: string) => [1, 64, 256].map((at) => row(operation, at));
    expect(rows).toEqual([...points('put'), ...points('get')]);
    expect(readdirSync(directory)).toEqual(['out.json']);
  });

  it('bench storage measures the stores, and leaves nothing behind', async () => {
    const words = ['--keys', '2000', '--rounds', '1', '--json', 'out.json'];
    const { exitCode, stdout, stderr } = await finish(start('storage', ...words));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { machine, figures, targets } = json();
    expect(stdout).toMatch(new RegExp(`\\d+ of ${targets.length} targets reached\\n$`));
    expect(machine).toMatchObject(MACHINE);
    expect(new Set(figures.map(({ workload }: { workload: string }) => workload))).toEqual(
      new Set(WORKLOAD_NAMES),
    );
    for (const { unit, value } of figures) if (unit === 'ops/s') expect(value).toEqual(POSITIVE);
    for (const { measured } of targets) expect(measured).toEqual(POSITIVE);
    expect(targets.length).toBeGreaterThan(20);
    expect(readdirSync(directory)).toEqual(['out.json']);
  });

  it.runIf(existsSync('/proc/self/task')).each([
    ['cluster', 6],
    ['storage', 1],
  ])('Ctrl-C stops all that bench %s has started', async (benchmark, processes) => {
    const bench = start(benchmark);
    const ended = finish(bench);
    grandchildren = await childrenOf(bench.pid!, processes);
    bench.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 130, stderr: 'bench: interrupted\n' });
    expect(grandchildren.filter(isAlive)).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('a wrong flag ends with code 2, and tells where help is', async () => {
    const { exitCode, stderr } = await finish(start('--what'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('bench --help');
  });

  it('--help is on standard output, and no failure', async () => {
    const { exitCode, stdout } = await finish(start('--help'));
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--data-dir');
  });
});

/** The processes that `parent` has started, once there are as many; where there is etcd, more. */
async function childrenOf(parent: number, count: number): Promise<number[]> {
  for (;;) {
    const list = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8');
    const pids = list.trim().split(' ').filter(Boolean).map(Number);
    if (pids.length >= count) return pids;
    await setTimeout(POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
