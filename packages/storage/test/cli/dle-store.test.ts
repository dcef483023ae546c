import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';

const PROGRAM = fileURLToPath(new URL('../../bin/dle-store.js', import.meta.url));

let scratch: string;
let directory: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'dle-cli-'));
  directory = join(scratch, 'store');
});

afterEach(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

function dleStore(words: readonly string[], input: string | Uint8Array = ''): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...words]);
  child.stdin.end(input);
  return endOf(child);
}

function endOf(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let [out, error] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    error += chunk;
  });
  // It may have gone before it has read all.
  child.stdin.on('error', () => {});
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, error })));
}

const run = (...words: string[]) => dleStore([directory, ...words]);

describe('dle-store', () => {
  it('puts, gets, scans and deletes', async () => {
    expect(await run('put', 'greeting', 'hello')).toEqual({ code: 0, out: 'stored\n', error: '' });
    expect(await run('get', 'greeting')).toEqual({ code: 0, out: 'hello', error: '' });
    expect(await run('get', 'nothing')).toMatchObject({ code: 1, out: '' });
    const piped = await dleStore([directory, 'put', 'a', '-'], 'from standard input');
    expect(piped).toMatchObject({ code: 0, error: '' });
    expect((await run('scan')).out).toBe('a\tfrom standard input\ngreeting\thello\n');
    expect((await run('scan', '--gt', 'a', '--show', 'keys')).out).toBe('greeting\n');
    expect((await run('scan', '--reverse', '--limit', '1', '--json')).out).toBe(
      '{"key":"greeting","value":"hello"}\n',
    );
    expect((await run('scan', '--show', 'count', '--json')).out).toBe('{"count":2}\n');
    expect((await run('del', 'a', '--json')).out).toBe('{"existed":true}\n');
    expect((await run('del', 'a')).out).toBe('there was no such key\n');
  });

  it('takes and prints any bytes', async () => {
    await run('put', '00ff', 'fe', '--encoding', 'hex');
    expect((await run('get', '00FF', '--encoding', 'hex')).out).toBe('fe\n');
    expect((await run('dump')).out).toBe('{"key":{"base64":"AP8="},"value":{"base64":"/g=="}}\n');
    expect(await run('get', 'xyz', '--encoding', 'hex')).toMatchObject({ code: 2 });
  });

  it('dumps what it loads, and says which line is none', async () => {
    const lines = Array.from({ length: 2_500 }, (_, n) =>
      JSON.stringify({ key: `key ${String(n).padStart(5, '0')}`, value: `value ${n}` }),
    );
    const file = join(scratch, 'lines.jsonl');
    writeFileSync(file, `${lines.join('\n')}\n`);
    expect((await run('load', file)).out).toBe('2500 records stored\n');
    const { out } = await run('dump');
    expect(out).toBe(`${lines.join('\n')}\n`);
    const bad = await dleStore([directory, 'load', '-'], `${lines[0]}\n{"key":1,"value":"x"}\n`);
    expect(bad).toMatchObject({ code: 1, out: '' });
    expect(bad.error).toContain('line 2');
  });

  it('takes words that begin with a dash as they stand', async () => {
    for (const word of ['-', '--json', '-1', '1e3', 'a.b']) {
      expect((await run('put', '--', word, `-${word}`)).out, word).toBe('stored\n');
      expect((await run('get', '--', word)).out, word).toBe(`-${word}`);
    }
    expect((await run('scan', '--show', 'count')).out).toBe('5\n');
  });

  it('loads no line that is not what was written, and says how far it has come', async () => {
    const good = '{"key":"a","value":"b"}\n\n';
    const broken = Buffer.from([...Buffer.from('{"key":"'), 0xff, ...Buffer.from('","value":""}')]);
    const { code, error } = await dleStore(
      [directory, 'load', '-'],
      Buffer.concat([Buffer.from(good), broken]),
    );
    expect(code).toBe(1);
    expect(error).toBe(
      'dle-store: DLE_INVALID_ARGUMENT: -: line 3: not UTF-8; 1 records before are stored\n',
    );
    expect((await run('dump')).out).toBe(`${good.trimEnd()}\n`);
  });

  it('makes no store when there is nothing to put there', async () => {
    const large = new Uint8Array(9 * 1024 * 1024);
    for (const [words, code] of [
      [['load', join(scratch, 'missing')], 'DLE_IO'],
      [['put', 'k', '--value-file', join(scratch, 'missing')], 'DLE_IO'],
      [['put', 'k', '-'], 'DLE_VALUE_TOO_LARGE'],
    ] as const) {
      const { code: exit, error } = await dleStore([directory, ...words], large);
      expect([exit, error]).toEqual([1, expect.stringContaining(`dle-store: ${code}: `)]);
      expect(readdirSync(scratch)).toEqual([]);
    }
  });

  it('ends when it is interrupted, with what it has read stored', async () => {
    const child = spawn(process.execPath, [PROGRAM, directory, 'load', '-']);
    child.stdin.write('{"key":"a","value":"b"}\n');
    const ended = endOf(child);
    // It has taken the line, and waits for more: a thousand records would be a batch.
    const lines = Array.from({ length: 1_000 }, (_, n) => `{"key":"${n}","value":""}\n`);
    child.stdin.write(lines.join(''));
    while (!existsSync(join(directory, 'lock'))) await setImmediate();
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, error: expect.stringContaining('interrupted') });
    expect((await run('verify')).code).toBe(0);
  });

  it('tells what there is, and cares for it', async () => {
    for (const key of ['a', 'b', 'c']) await run('put', key, key.repeat(100));
    expect(JSON.parse((await run('stats', '--json')).out)).toMatchObject({ keys: 3 });
    expect((await run('stats')).out).toMatch(/^keys +3$/m);
    expect((await run('compact')).out).toMatch(/bytes before/);
    expect(JSON.parse((await run('verify', '--json')).out)).toMatchObject({ damage: [] });
    const backup = join(scratch, 'backup');
    expect((await run('backup', backup)).code).toBe(0);
    const copy = join(scratch, 'copy');
    expect((await dleStore([copy, 'restore', backup])).code).toBe(0);
    expect((await dleStore([copy, 'get', 'b'])).out).toBe('b'.repeat(100));
    expect(JSON.parse((await run('repair', '--json')).out)).toMatchObject({ damage: [] });
  });

  it('says what is damaged, and repairs it', async () => {
    for (const key of ['a', 'b', 'c']) await run('put', key, key.repeat(100));
    await run('compact');
    const name = readdirSync(directory).find((file) => file.endsWith('.sorted'))!;
    const path = join(directory, name);
    const bytes = readFileSync(path);
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(path, bytes);
    expect((await run('verify')).code).toBe(1);
    expect((await run('repair')).code).toBe(0);
    expect((await run('verify')).code).toBe(0);
    expect((await run('get', 'a')).out).toBe('a'.repeat(100));
    expect((await run('get', 'c')).code).toBe(1);
  });

  it('refuses what makes no sense, in one line', async () => {
    for (const words of [[], ['put', 'k'], ['nonsense'], ['scan', '--limit', 'many']]) {
      const { code, error } = await run(...words);
      expect(code).toBe(2);
      expect(error).toMatch(/^dle-store: usage: [^\n]+\n$/);
    }
    const missing = await run('get', 'k');
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.error).toMatch(/^dle-store: DLE_INVALID_ARGUMENT: there is no [^\n]+\n$/);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it('says who has the store open', async () => {
    await using store = await LogStore.open(directory);
    await store.put('k', 'v');
    const { code, error } = await run('get', 'k');
    expect(code).toBe(1);
    expect(error).toMatch(/^dle-store: DLE_LOCKED: /);
  });
});
