/** The script as people run it, with real nodes, on free ports and data of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startTimeOf } from '../cluster/process-time.mjs';
import { REPOSITORY } from '../workspace.mjs';
import { freePorts, listen } from './free-ports.mjs';
import { makeFolder } from './trees.mjs';

/** Set-up, an election and a stop, on a machine that is busy with other tests. */
const TIMEOUT_MS = 120_000;

/** A data directory on which nothing runs any more when the test is over. */
function makeDataDir() {
  const dataDir = makeFolder({});
  onTestFinished(() => runCluster('--stop', '--data-dir', dataDir).then(() => {}));
  return dataDir;
}

/** @param {string[]} args */
function spawnCluster(...args) {
  return spawn(join(REPOSITORY, 'scripts/run_cluster.sh'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** @param {string[]} args */
function runCluster(...args) {
  return result(spawnCluster(...args));
}

/** @param {string[]} args of `dle`, for the node on `port` */
function dle(/** @type {number} */ port, ...args) {
  const program = join(REPOSITORY, 'packages/client/bin/dle.js');
  const endpoints = ['--endpoints', `127.0.0.1:${port}`];
  return result(spawn(process.execPath, [program, ...args, ...endpoints]));
}

/** @param {import('node:child_process').ChildProcess} child */
async function result(child) {
  const [out, error, [code]] = await Promise.all([
    text(/** @type {import('node:stream').Readable} */ (child.stdout)),
    text(/** @type {import('node:stream').Readable} */ (child.stderr)),
    once(child, 'exit'),
  ]);
  return { out, error, code };
}

/** The pids of the nodes that were started on a data directory and still run. */
function runningNodes(/** @type {string} */ dataDir) {
  const file = join(dataDir, 'cluster.pids');
  if (!existsSync(file)) return [];
  const entries = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return entries
    .filter(({ name }) => name.startsWith('node'))
    .filter(({ pid, startTime }) => startTimeOf(pid) === startTime);
}

test('--help tells of every option', async () => {
  const { out, code } = await runCluster('--help');
  for (const option of ['--nodes', '--base-port', '--data-dir', '--detach', '--stop']) {
    expect(out).toContain(option);
  }
  expect(code).toBe(0);
});

test.each([
  [['--node', '3'], "Unknown option '--node'"],
  [['--nodes', '0'], '--nodes takes a whole number from 1 to 7'],
  [['--nodes', '8'], '--nodes takes a whole number from 1 to 7'],
  [['--base-port', '9001x'], '--base-port takes a whole number'],
  [['extra'], "Unexpected argument 'extra'"],
  [['--stop', '--nodes', '3'], '--stop goes with --data-dir only'],
])('%j is answered with the usage', async (args, complaint) => {
  const { error, code } = await runCluster(...args);
  expect(error).toContain(complaint);
  expect(error).toContain('Usage:');
  expect(code).toBe(2);
});

test('--stop on nothing says so', async () => {
  const { out, code } = await runCluster('--stop', '--data-dir', makeFolder({}));
  expect(out).toContain('Nothing runs');
  expect(code).toBe(0);
});

test(
  'nodes left running serve until stopped, and the next start finds the data and the ports',
  async () => {
    const dataDir = makeDataDir();
    const port = await freePorts(3);
    const first = await runCluster('--detach', '--base-port', `${port}`, '--data-dir', dataDir);
    expect(first).toMatchObject({ code: 0, error: '' });
    expect(first.out.match(/127\.0\.0\.1:\d+ {2}(leader|follower)/g)).toHaveLength(3);
    expect(first.out.match(/ {2}leader$/gm)).toHaveLength(1);
    expect(await dle(port + 2, 'put', 'greeting', 'hello')).toMatchObject({ code: 0 });

    const second = await runCluster('--data-dir', dataDir);
    expect(second).toMatchObject({ code: 1, error: expect.stringContaining('Already running') });
    expect(runningNodes(dataDir)).toHaveLength(3);

    expect(await runCluster('--stop', '--data-dir', dataDir)).toMatchObject({ code: 0 });
    expect(runningNodes(dataDir)).toEqual([]);

    const other = await runCluster('--detach', '--nodes', '5', '--data-dir', dataDir);
    expect(other).toMatchObject({
      code: 1,
      error: expect.stringContaining('has 3 nodes from port'),
    });

    expect(await runCluster('--detach', '--data-dir', dataDir)).toMatchObject({ code: 0 });
    expect(await dle(port + 1, 'get', 'greeting')).toMatchObject({ out: 'hello' });
  },
  TIMEOUT_MS,
);

test(
  'Ctrl-C stops the nodes',
  async () => {
    const dataDir = makeDataDir();
    const port = await freePorts(1);
    const args = ['--nodes', '1', '--base-port', `${port}`, '--data-dir', dataDir];
    const launcher = spawnCluster(...args);
    const ended = result(launcher);
    const output = /** @type {import('node:stream').Readable} */ (launcher.stdout);
    for (let said = ''; !said.includes('Ctrl-C stops it.'); ) {
      const [chunk] = await once(output, 'data');
      said += chunk;
    }
    const nodes = runningNodes(dataDir);
    expect(nodes).toHaveLength(1);
    launcher.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 0, error: '' });
    expect(nodes.map(({ pid }) => startTimeOf(pid))).toEqual([undefined]);
  },
  TIMEOUT_MS,
);

test(
  'a port that is taken is one clear line, and nothing is started',
  async () => {
    const dataDir = makeDataDir();
    const port = await freePorts(3);
    const server = await listen(port + 1);
    onTestFinished(() => void server?.close());
    const { error, code } = await runCluster('--base-port', `${port}`, '--data-dir', dataDir);
    expect(error).toMatch(`Something else listens on 127.0.0.1:${port + 1}:`);
    expect(error.trimEnd()).not.toContain('\n');
    expect(code).toBe(1);
    expect(existsSync(join(dataDir, 'cluster.pids'))).toBe(false);
    expect(existsSync(join(dataDir, 'cluster.json'))).toBe(false);
  },
  TIMEOUT_MS,
);

test(
  'a node that dies at its start is told with its last words, and no other is left',
  async () => {
    const dataDir = makeDataDir();
    const port = await freePorts(3);
    writeFileSync(join(dataDir, 'node-2'), 'where its directory should be');
    const { error, code } = await runCluster('--base-port', `${port}`, '--data-dir', dataDir);
    expect(error).toMatch(/^run_cluster.sh: Node 2 ended at its start: dle-server: DLE_/);
    expect(error).toContain(join(dataDir, 'node-2.log'));
    expect(error.trimEnd()).not.toContain('\n');
    expect(code).toBe(1);
    for (const member of [port, port + 1, port + 2]) {
      const server = await listen(member);
      expect(server, `port ${member} is free again`).toBeDefined();
      server?.close();
    }
  },
  TIMEOUT_MS,
);
