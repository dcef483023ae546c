import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DleError, MAX_KEY_BYTES, MAX_VALUE_BYTES } from '@dle/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { run } from '../src/cli/run.js';
import { changeResult, READ_LEVELS, transferResult } from '../src/protocol/index.js';
import { runDle } from './support/run-dle.js';
import { temporaryDirectory } from './support/temporary-directory.js';
import { silence, TestNode } from './support/test-node.js';

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** For tests that need no cluster: port 1 is nobody's. */
const NOWHERE = '127.0.0.1:1';

async function startNode(): Promise<TestNode> {
  const node = await TestNode.start();
  onTestFinished(() => node.stop());
  return node;
}

/** As `runDle`, within this process: ten times as fast, for what needs no process of its own. */
async function runHere(words: readonly string[]) {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk, ...rest) => {
      printed[name] += chunk.toString();
      for (const written of rest) if (typeof written === 'function') written();
      return true;
    }),
  );
  try {
    const code = await run(words);
    return { code, ...printed };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}

/** Exactly one line on standard error, and nothing that looks like a stack. */
function expectOneLine(stderr: string): void {
  expect(stderr).toMatch(/^dle: [^\n]+\n$/);
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
}

describe('the command line', () => {
  it('explains itself', async () => {
    const help = await runDle(NOWHERE, ['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['put', 'get', 'del', 'load', 'dump', 'status', 'member', 'transfer']) {
      expect(help.stdout.toString()).toContain(`dle ${command}`);
    }
    expect(help.stdout.toString()).toContain('Examples:');
    expect(help.stdout.toString()).toContain('Exit codes:');
    const loadHelp = await runDle(NOWHERE, ['load', '--help']);
    expect(loadHelp).toMatchObject({ code: 0, stderr: '' });
    expect(loadHelp.stdout.toString()).toContain('--concurrency');
    const version = await runDle(NOWHERE, ['--version']);
    expect(version.stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each(
    [
      [],
      ['frobnicate'],
      ['put', 'key'],
      ['put', 'key', 'value', 'more'],
      ['put', 'key', 'value', '--value-file', 'file'],
      ['get'],
      ['get', 'key', '--unknown'],
      ['get', 'key', '--level', 'fresh'],
      ['get', 'key', '--stale', '--level', 'lease'],
      ['dump', '--stale', '--level', 'follower'],
      ['get', 'key', '--endpoints', 'nowhere'],
      ['get', 'key', '--endpoints', ''],
      ['get', 'key', '--timeout', 'soon'],
      ['get', 'key', '--timeout', '0'],
      ['load', 'file.csv'],
      ['load', '-'],
      ['load', 'file.tsv', '--format', 'csv'],
      ['load', 'file.tsv', '--concurrency', '0'],
      ['dump', '--format', 'csv'],
      ['status', 'more'],
      ['member'],
      ['member', 'frobnicate'],
      ['member', 'add', '4'],
      ['member', 'add', 'four', '127.0.0.1:9004'],
      ['member', 'add', '4', 'nowhere'],
      ['member', 'promote', '0'],
      ['member', 'remove', '1', '2'],
      ['member', 'replace', '1', '127.0.0.1:9004'],
      ['transfer', '1', '2'],
      ['transfer', '-1'],
      ['get', 'key', '--', '-more'],
    ].map((words) => [words.join(' '), words] as const),
  )('is refused: dle %s', async (_, words) => {
    const { code, stdout, stderr } = await runHere(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expectOneLine(stderr);
    expect(stderr).toMatch(/^dle: usage: .*; see "dle --help"\n$/);
  });

  it('says in one line that no node can be reached', async () => {
    const { code, stdout, stderr } = await runDle(NOWHERE, ['get', 'a', '--timeout', '200ms']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: '' });
    expectOneLine(stderr);
    expect(stderr).toMatch(/DLE_TIMEOUT: .*200 ms.*127\.0\.0\.1:1 .*ECONNREFUSED.*dle status/);
  });

  it('takes endpoints from an option, before those of the environment', async () => {
    const node = await startNode();
    const words = ['put', 'key', 'value', '--endpoints', `${NOWHERE}, ${node.address}`];
    expect(await runDle('127.0.0.1:2', words)).toMatchObject({ code: 0 });
    expect(node.asked).toEqual(['put key']);
  });
});

describe('dle put, get, del', () => {
  it('store, print and delete', async () => {
    const { address } = await startNode();
    const put = await runDle(address, ['put', 'Zürich', 'Bellevue']);
    expect(put).toMatchObject({ code: 0, stderr: '' });
    expect(put.stdout.toString()).toBe('stored at index 1\n');
    const get = await runDle(address, ['get', 'Zürich']);
    expect(get).toMatchObject({ code: 0, stderr: '' });
    expect(get.stdout.toString()).toBe('Bellevue');
    expect(await runDle(address, ['del', 'Zürich'])).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['get', 'del']) {
      const missing = await runDle(address, [command, 'Zürich']);
      expect(missing).toMatchObject({ code: 1, stderr: 'dle: not found\n' });
      expect(missing.stdout).toHaveLength(0);
    }
  });

  it('print JSON', async () => {
    const { address } = await startNode();
    const words = [
      ['put', 'a', 'b'],
      ['get', 'a'],
      ['del', 'a'],
    ];
    const printed: string[] = [];
    for (const command of words) {
      printed.push((await runHere([...command, '--json', '--endpoints', address])).stdout);
    }
    expect(printed).toEqual([
      '{"index":1}\n',
      '{"key":"a","value":"b"}\n',
      '{"index":2,"existed":true}\n',
    ]);
  });

  it.each([
    ['nothing', ''],
    ['digits, which are no number', '007'],
    ['an exponent, which is no number', '1e3'],
    ['a dot', 'a.b.c'],
    ['spaces', ' a b '],
    ['a dash', '-key'],
    ['two dashes', '--help'],
    ['what it is not', 'undefined'],
  ])('take a key and a value of %s', async (_, text) => {
    const node = await startNode();
    const options = ['--endpoints', node.address, '--'];
    expect(await runHere(['put', ...options, text, text])).toMatchObject({ code: 0 });
    expect([...node.store.pairs.values()]).toEqual([
      { key: Buffer.from(text), value: Buffer.from(text) },
    ]);
    const get = await runHere(['get', ...options, text]);
    expect(get).toEqual({ code: 0, stdout: text, stderr: '' });
  });

  it('take an empty key and an empty value as they stand, without --', async () => {
    const { address, store } = await startNode();
    expect(await runDle(address, ['put', '', ''])).toMatchObject({ code: 0 });
    expect(store.pairs.size).toBe(1);
    const get = await runDle(address, ['get', '']);
    expect(get).toMatchObject({ code: 0, stderr: '' });
    expect(get.stdout).toHaveLength(0);
  });

  it('take and give any bytes, by file and by standard input', async () => {
    const { address } = await startNode();
    const file = join(temporaryDirectory(), 'value');
    const large = new Uint8Array(1024 * 1024).map((_, index) => index % 251);
    for (const value of [EVERY_BYTE, new Uint8Array(0), large]) {
      writeFileSync(file, value);
      const options = ['--endpoints', address];
      expect(await runHere(['put', 'f', '--value-file', file, ...options])).toMatchObject({
        code: 0,
      });
      expect(await runDle(address, ['put', 'i', '-'], value)).toMatchObject({ code: 0 });
      const get = await runDle(address, ['get', 'f']);
      expect(Buffer.compare(get.stdout, value)).toBe(0);
      expect(await runHere(['get', 'i', '--out', file, ...options])).toMatchObject({ code: 0 });
      expect(Buffer.compare(readFileSync(file), value)).toBe(0);
    }
  });

  it('refuse what is over the limits in one line', async () => {
    const { address } = await startNode();
    const key = await runDle(address, ['put', 'k'.repeat(MAX_KEY_BYTES + 1), 'v']);
    expect(key.code).toBe(1);
    expect(key.stderr).toMatch(/^dle: DLE_KEY_TOO_LARGE: .*4097 bytes.*4096\n$/);
    const value = await runDle(address, ['put', 'k', '-'], new Uint8Array(MAX_VALUE_BYTES + 1));
    expect(value.code).toBe(1);
    expect(value.stderr).toMatch(/^dle: DLE_VALUE_TOO_LARGE: .*8388608\n$/);
    const missing = await runDle(address, ['put', 'k', '--value-file', '/nowhere/at/all']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/^dle: DLE_IO: ENOENT.*\/nowhere\/at\/all'\n$/);
  });

  it('take - for standard input behind -- too, as other commands do', async () => {
    const { address, store } = await startNode();
    expect(await runDle(address, ['put', '--', '-k', '-'], 'value')).toMatchObject({ code: 0 });
    expect(store.pairs.get('-k')?.value.toString()).toBe('value');
  });

  it('say what to do when nobody knows what became of a write', async () => {
    const node = await startNode();
    node.behaviour = silence;
    const { code, stderr } = await runDle(node.address, ['put', 'a', 'b', '--timeout', '2s']);
    expect(code).toBe(1);
    expectOneLine(stderr);
    expect(stderr).toMatch(/DLE_OUTCOME_UNKNOWN: .*; look whether it did \("dle get"\)/);
    expect(node.asked).toEqual(['put a']);
  });

  it('say where to look when nobody knows what became of a transfer or a change', async () => {
    const node = await startNode();
    node.behaviour = (_, rpc) => {
      rpc.close();
      return new Promise(() => {});
    };
    for (const [words, look] of [
      ['transfer 2', 'dle status'],
      ['--timeout 5s transfer', 'dle status'],
      ['member remove 2', 'dle member list'],
    ] as const) {
      const { code, stderr } = await runDle(node.address, words.split(' '));
      expect(code).toBe(1);
      expectOneLine(stderr);
      expect(stderr).toContain(`; look whether it did ("${look}")`);
    }
  });

  it('repeat what the cluster refuses', async () => {
    const node = await startNode();
    node.behaviour = () => {
      throw new DleError('DLE_DISK_FULL', 'no space\nleft');
    };
    const { code, stderr } = await runDle(node.address, ['del', 'a']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^dle: DLE_DISK_FULL: no space left; make room .*\n$/);
  });

  it('read the state of the node that is asked, if they are told to', async () => {
    const node = await startNode();
    await runHere(['get', 'a', '--endpoints', node.address, '--stale']);
    await runHere(['get', 'a', '--endpoints', node.address]);
    for (const level of READ_LEVELS) {
      await runHere(['get', 'a', '--endpoints', node.address, '--level', level]);
    }
    const levels = ['stale', 'linearizable', ...READ_LEVELS];
    expect(node.requests).toMatchObject(levels.map((level) => ({ level })));
  });
});

describe('dle status', () => {
  it('shows the endpoints and every member that they name', async () => {
    const [first, second] = [await startNode(), await startNode()];
    const members = [first!, second!].map(({ address }, index) => ({
      id: index + 1,
      instance: `i${index + 1}`,
      address,
      kind: index === 0 ? ('leaving' as const) : ('voter' as const),
    }));
    first!.statusOverrides = { members, role: 'follower', leader: 2, keys: 77, reason: 'so so' };
    second!.statusOverrides = {
      members: members.map((member) => ({ ...member, lag: 3 - member.id })),
      role: 'leader',
      leader: 2,
      node: 2,
      instance: 'i2',
      transferringTo: 1,
    };
    const words = ['status', '--endpoints', first!.address];
    const { code, stdout, stderr } = await runHere(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 3).map((row) => row.split(/\s{2,}/))).toEqual([
      ['id', 'address', 'role', 'member', 'term', 'commit', 'applied', 'lag', 'keys', 'leader'],
      ['1', first!.address, 'follower', 'leaving', '3', '12', '12', '2', '77', '2'],
      ['2', second!.address, 'leader', 'voter', '3', '12', '12', '1', '5', '2'],
    ]);
    expect(lines.slice(3)).toEqual([
      'the voters are changing from 1 2 to 2',
      'leadership is being handed over to node 1',
      'node 1: so so',
    ]);

    const json = await runHere([...words, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      leader: 2,
      nodes: [
        { node: 1, status: { keys: 77 } },
        { node: 2, status: { role: 'leader' } },
      ],
    });
  });

  it('names those that cannot be reached', async () => {
    const node = await startNode();
    const gone = await TestNode.start();
    await gone.stop();
    node.statusOverrides = {
      members: [
        { id: 1, instance: 'i1', address: node.address },
        { id: 2, instance: 'i2', address: gone.address },
      ],
    };
    const words = ['status', '--timeout', '2s'];
    const { code, stdout, stderr } = await runDle(node.address, words);
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(new RegExp(`^2 +${gone.address} +unreachable`, 'm'));
    expectOneLine(stderr);
    expect(stderr).toMatch(new RegExp(`${gone.address} is unreachable .*ECONNREFUSED`));
  });

  it('fails when nobody leads', async () => {
    const node = await startNode();
    node.statusOverrides = { role: 'candidate', leader: undefined };
    const { code, stdout, stderr } = await runHere(['status', '--endpoints', node.address]);
    expect(code).toBe(1);
    expect(stdout).toContain('candidate');
    expect(stderr).toBe('dle: DLE_UNAVAILABLE: the cluster has no leader\n');
  });
});

describe('dle member and dle transfer', () => {
  it('ask for the change, and say what has become of it, in words or JSON', async () => {
    const node = await startNode();
    node.behaviour = ({ op }) =>
      op === 'transfer' ? transferResult({ node: 2 }) : changeResult({ index: 7 });
    const commands: readonly (readonly [string, string, object])[] = [
      ['member add 4 127.0.0.1:9004', 'node 4 is a learner', { index: 7 }],
      ['member promote 4', 'node 4 votes, as of index 7', { index: 7 }],
      ['member remove 2', 'node 2 is removed, as of index 7', { index: 7 }],
      ['member replace 2 4@127.0.0.1:9004', 'node 4 has the place of node 2', { index: 7 }],
      ['transfer 2', 'node 2 leads', { node: 2 }],
      ['transfer', 'node 2 leads', { node: 2 }],
    ];
    for (const [words, sentence, result] of commands) {
      const command = [...words.split(' '), '--endpoints', node.address];
      const told = await runHere(command);
      expect(told).toMatchObject({ code: 0, stderr: '' });
      expect(told.stdout).toContain(sentence);
      const json = await runHere([...command, '--json']);
      expect(JSON.parse(json.stdout)).toEqual(result);
    }
    expect(new Set(node.asked)).toEqual(
      new Set(['addMember', 'promoteMember', 'removeMember', 'replaceMember', 'transfer']),
    );
  });

  it('list the members as the leader sees them', async () => {
    const [first, second] = [await startNode(), await startNode()];
    const members = [first!, second!].map(({ address }, index) => ({
      id: index + 1,
      instance: `i${index + 1}`,
      address,
    }));
    first!.statusOverrides = { members, role: 'follower', leader: 2 };
    second!.statusOverrides = {
      members: [
        { ...members[0]!, kind: 'learner', lag: 40, reachable: false },
        { ...members[1]!, kind: 'voter', lag: 0, reachable: true },
      ],
      ...{ role: 'leader', leader: 2, node: 2, instance: 'i2' },
    };
    const words = ['member', 'list', '--endpoints', first!.address];
    const { code, stdout } = await runHere(words);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((row) => row.split(/\s{2,}/))).toEqual([
      ['id', 'address', 'member', 'lag', 'reachable'],
      ['1', first!.address, 'learner', '40', 'no'],
      ['2', second!.address, 'voter, leads', '0', 'yes'],
      [''],
    ]);
    const json = JSON.parse((await runHere([...words, '--json'])).stdout);
    expect(json).toMatchObject({ leader: 2, members: [{ id: 1, lag: 40 }, { id: 2 }] });

    second!.statusOverrides = { role: 'candidate', leader: undefined };
    first!.statusOverrides = { role: 'follower', leader: undefined };
    const nobody = await runHere(words);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('DLE_UNAVAILABLE');
  });

  it('say in one line why a change was refused', async () => {
    const node = await startNode();
    node.behaviour = () => {
      const details = { reason: 'wouldLoseQuorum' };
      throw new DleError('DLE_CHANGE_REFUSED', 'too few would be up', { details });
    };
    const words = ['member', 'remove', '2', '--endpoints', node.address];
    const { code, stderr } = await runHere(words);
    expect(code).toBe(1);
    expect(stderr).toBe('dle: DLE_CHANGE_REFUSED: too few would be up\n');
  });
});
