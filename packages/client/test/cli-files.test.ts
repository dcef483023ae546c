import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@dle/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runDle, startDle } from './support/run-dle.js';
import { temporaryDirectory } from './support/temporary-directory.js';
import { silence, TestNode } from './support/test-node.js';

async function startNode(): Promise<TestNode> {
  const node = await TestNode.start();
  onTestFinished(() => node.stop());
  return node;
}

/** Records of random bytes, from `seed`; what a later one replaces is left out. */
function randomRecords(seed: number, count: number): Map<string, Buffer> {
  const random = new SeededRandom(seed);
  const bytes = (length: number) =>
    Buffer.from(Array.from({ length }, () => random.nextUint32() & 0xff));
  const records = new Map<string, Buffer>();
  while (records.size < count) {
    const key = bytes(1 + (random.nextUint32() % 12)).toString('latin1');
    records.set(key, bytes(random.nextUint32() % 40));
  }
  return records;
}

function fill(node: TestNode, records: ReadonlyMap<string, Buffer>): void {
  for (const [id, value] of records) {
    node.store.pairs.set(id, { key: Buffer.from(id, 'latin1'), value });
  }
}

/** What a node holds, or a file says, in a form to compare. */
function contents(node: TestNode): Map<string, string> {
  return new Map(
    [...node.store.pairs].map(([id, { value }]) => [id, Buffer.from(value).toString('latin1')]),
  );
}

/** Lines `key N<TAB>value N`. */
function plainFile(path: string, count: number): void {
  const lines = Array.from({ length: count }, (_, line) => `key ${line + 1}\tvalue ${line + 1}\n`);
  writeFileSync(path, lines.join(''));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('dle dump and dle load', () => {
  it.each(['tsv', 'jsonl'])('bring 20,000 records of any bytes back by %s', async (format) => {
    const [source, target] = [await startNode(), await startNode()];
    fill(source, randomRecords(1, 20_000));
    const file = join(temporaryDirectory(), `records.${format}`);
    const dump = await runDle(source.address, ['dump', '--out', file]);
    expect(dump).toMatchObject({ code: 0, stderr: `20000 records written to ${file}\n` });
    const load = await runDle(target.address, ['load', file, '--quiet']);
    expect(load).toMatchObject({ code: 0, stderr: '' });
    expect(load.stdout.toString()).toMatch(/^20000 records stored \(.*\)\n$/);
    expect(contents(target)).toEqual(contents(source));
  });

  it('go through pipes, and say in JSON what they have done', async () => {
    const [source, target] = [await startNode(), await startNode()];
    fill(source, randomRecords(2, 500));
    const dump = await runDle(source.address, ['dump', '--format', 'jsonl', '--stale']);
    expect(dump).toMatchObject({ code: 0, stderr: '' });
    expect(source.requests[0]).toMatchObject({ level: 'stale' });
    const words = ['load', '-', '--format', 'jsonl', '--json', '--quiet'];
    const load = await runDle(target.address, words, dump.stdout);
    expect(load).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(load.stdout.toString())).toMatchObject({ stored: 500, unsure: 0 });
    expect(contents(target)).toEqual(contents(source));
  });
});

describe('dle load', () => {
  it('stops at a bad line and says which, and exactly how many records are stored', async () => {
    const node = await startNode();
    const file = join(temporaryDirectory(), 'bad.tsv');
    plainFile(file, 700);
    writeFileSync(file, 'no tab\nkey 702\tvalue\n', { flag: 'a' });
    const { code, stderr } = await runDle(node.address, ['load', file, '--quiet']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^dle: DLE_INVALID_ARGUMENT: line 701: no tab .*; 700 records are stored, .* before line 701 .*\n$/,
    );
    expect(node.store.pairs.size).toBe(700);
  });

  it('goes on when the server is stopped and started again, and loses nothing', async () => {
    const node = await startNode();
    const file = join(temporaryDirectory(), 'records.tsv');
    plainFile(file, 5_000);
    const { outcome } = startDle(node.address, ['load', file, '--quiet', '--concurrency', '64']);
    for (const records of [1_000, 3_000]) {
      await until(() => node.store.pairs.size >= records);
      // Whatever is under way is carried out, but nobody is told.
      node.behaviour = (request) => {
        node.store.answer(request);
        return new Promise(() => {});
      };
      const asked = node.requests.length;
      await until(() => node.requests.length > asked);
      await node.stop();
      node.behaviour = () => undefined;
      await node.restart();
    }
    const { code, stdout, stderr } = await outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/^5000 records stored /);
    expect(node.store.pairs.size).toBe(5_000);
    expect(node.store.pairs.get('key 4999')?.value.toString()).toBe('value 4999');
    // Those of unknown outcome were put again.
    expect(node.requests.length).toBeGreaterThan(5_000);
  });

  it('ends at Ctrl-C with the exact count', async () => {
    const node = await startNode();
    const file = join(temporaryDirectory(), 'records.tsv');
    plainFile(file, 100_000);
    const { child, outcome } = startDle(node.address, ['load', file, '--quiet']);
    await until(() => node.store.pairs.size >= 1_000);
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    expect(code).toBe(1);
    const stored = Number(
      /^dle: DLE_ABORTED: interrupted; (\d+) records are stored/.exec(stderr)?.[1],
    );
    expect(stored).toBe(node.store.pairs.size);
    expect(stderr).toContain(`before line ${stored + 1} among them`);
    expect(stored).toBeLessThan(100_000);
  });

  it('gives up at the second Ctrl-C, and says how many records it cannot be sure of', async () => {
    const node = await startNode();
    node.behaviour = silence;
    const file = join(temporaryDirectory(), 'records.tsv');
    plainFile(file, 10);
    const { child, outcome } = startDle(node.address, ['load', file, '--quiet']);
    await until(() => node.requests.length === 10);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const { code, stderr } = await outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/; 0 records are stored, and perhaps 10 more, .* before line 1 /);
  });

  it('ends when nothing is stored for as long as --timeout says', async () => {
    const node = await startNode();
    node.behaviour = silence;
    const file = join(temporaryDirectory(), 'records.tsv');
    plainFile(file, 3);
    const { code, stderr } = await runDle(node.address, ['load', file, '--timeout', '300ms']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/DLE_OUTCOME_UNKNOWN: .*; 0 records are stored, and perhaps 3 more/);
  });

  it('says of a missing file that it is missing', async () => {
    const { code, stderr } = await runDle('127.0.0.1:1', ['load', '/nowhere.tsv']);
    expect({ code, stderr: stderr.split(',')[0] }).toEqual({
      code: 1,
      stderr: 'dle: DLE_IO: ENOENT: no such file or directory',
    });
  });
});

describe('dle dump', () => {
  it('leaves no half file when it fails or is interrupted, and keeps what was there', async () => {
    const node = await startNode();
    fill(node, randomRecords(3, 200));
    node.store.maxPageBytes = 1_000;
    const directory = temporaryDirectory();
    const file = join(directory, 'dump.tsv');
    writeFileSync(file, 'before');

    let pages = 0;
    node.behaviour = (request, rpc) => {
      if (request.op !== 'dump' || ++pages < 3) return undefined;
      rpc.close();
      return new Promise(() => {});
    };
    const failed = await runDle(node.address, ['dump', '--out', file, '--timeout', '1s']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/^dle: DLE_CURSOR_LOST: .*\n$/);
    expect(readdirSync(directory)).toEqual(['dump.tsv']);

    pages = 0;
    node.behaviour = () => (++pages < 3 ? undefined : new Promise(() => {}));
    const { child, outcome } = startDle(node.address, ['dump', '--out', file]);
    await until(() => pages === 3);
    expect(readdirSync(directory)).toHaveLength(2);
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({ code: 1 });
    expect(readdirSync(directory)).toEqual(['dump.tsv']);
    expect(readFileSync(file, 'utf8')).toBe('before');

    node.behaviour = () => undefined;
    expect(await runDle(node.address, ['dump', '--out', file])).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'latin1').split('\n')).toHaveLength(201);
  });

  it('writes into a pipe, and does not put a file in its place', async () => {
    const node = await startNode();
    fill(node, randomRecords(4, 10));
    const pipe = join(temporaryDirectory(), 'pipe.tsv');
    execFileSync('mkfifo', [pipe]);
    const reader = spawn('cat', [pipe]);
    const read: Buffer[] = [];
    reader.stdout.on('data', (chunk: Buffer) => read.push(chunk));
    const ended = once(reader, 'close');
    expect(await runDle(node.address, ['dump', '--out', pipe])).toMatchObject({ code: 0 });
    await ended;
    expect(Buffer.concat(read).toString().trimEnd().split('\n')).toHaveLength(10);
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  it('ends quietly when nobody reads on', async () => {
    const node = await startNode();
    fill(node, randomRecords(5, 20_000));
    const { child, outcome } = startDle(node.address, ['dump']);
    await once(child.stdout!, 'data');
    child.stdout!.destroy();
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
  });
});
