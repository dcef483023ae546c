import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MemberStatus } from '@dle/client/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProcessCluster, ServerProcess } from '../src/testing/index.js';
import { type CommandResult, dle } from './dle-command.js';

let cluster: ProcessCluster;
const strays: ServerProcess[] = [];

beforeEach(async () => {
  cluster = await ProcessCluster.create();
  cluster.startAll();
  await cluster.leader();
  await cluster.converged();
});

afterEach(async () => {
  await Promise.all(strays.splice(0).map((stray) => stray.stop('SIGKILL')));
  await cluster.destroy();
});

/** Runs `dle` at one node, by default at one that does not lead, which has to pass it on. */
async function run(words: string, at?: ServerProcess): Promise<CommandResult> {
  const leader = await cluster.leader();
  const node =
    at ?? cluster.servers.find(({ running, options }) => running && options.id !== leader);
  return dle([...words.split(' '), '--endpoints', node!.address]);
}

async function succeed(words: string, at?: ServerProcess): Promise<string> {
  const { exitCode, stdout, stderr } = await run(words, at);
  expect({ words, exitCode, stderr }).toEqual({ words, exitCode: 0, stderr: '' });
  return stdout.toString();
}

async function members(): Promise<Record<number, MemberStatus['kind']>> {
  const listed = JSON.parse(await succeed('member list --json')) as { members: MemberStatus[] };
  return Object.fromEntries(listed.members.map(({ id, kind }) => [id, kind]));
}

/** A new node, up and waiting. */
async function newNode(): Promise<ServerProcess> {
  const { server } = await cluster.addServer();
  server.start();
  const { id } = server.options;
  await cluster.eventually('a node that waits', async () =>
    (await cluster.status(id))?.reason?.includes('dle member add') ? true : undefined,
  );
  return server;
}

describe('a new node', () => {
  it('waits until it is added, learns, and votes once it is promoted', async () => {
    await succeed('put before 1');
    const node = await newNode();
    expect(await cluster.status(4)).toMatchObject({ role: 'forming', members: [] });

    const added = JSON.parse(await succeed(`member add 4 ${node.address} --json`));
    expect(await members()).toEqual({ 1: 'voter', 2: 'voter', 3: 'voter', 4: 'learner' });
    await cluster.converged();
    expect((await dle(['get', 'before', '--stale', '--endpoints', node.address])).stdout).toEqual(
      Buffer.from('1'),
    );

    expect(await succeed('member promote 4')).toContain('node 4 votes');
    expect(await members()).toEqual({ 1: 'voter', 2: 'voter', 3: 'voter', 4: 'voter' });
    // What is done is found to be done.
    const again = JSON.parse(await succeed(`member add 4 ${node.address} --json`));
    expect(again.index).toBeGreaterThan(added.index);
    await succeed('member promote 4');

    // A restart brings it back as what it is.
    expect(await node.stop()).toBe(0);
    node.start();
    await cluster.converged();
    expect((await cluster.status(4))?.members).toHaveLength(4);
  });

  it('may be given the members as peers', async () => {
    const { server } = await cluster.addServer();
    const peers = cluster.endpoints.slice(0, 3);
    const node = new ServerProcess({ ...server.options, peers, flags: [] });
    strays.push(node);
    node.start();
    await cluster.eventually('a node that waits', async () =>
      node.log().includes(`dle member add 4 ${node.address}`) ? true : undefined,
    );
    await succeed(`member add 4 ${node.address}`);
    await cluster.eventually('a node that has joined', async () =>
      (await cluster.status(4))?.role === 'follower' ? true : undefined,
    );
  });
});

describe('a removed member', () => {
  it('says so, idles, and does not come back', async () => {
    const leader = await cluster.leader();
    const leaves = cluster.server((leader % 3) + 1);
    const { id } = leaves.options;
    const others = cluster.servers.filter((server) => server !== leaves);
    await succeed(`member remove ${id}`, others[0]);
    await cluster.eventually('a node that knows it is removed', async () =>
      (await cluster.status(id))?.role === 'removed' ? true : undefined,
    );
    expect((await cluster.status(id))?.reason).toContain('has been removed');
    const asked = await run('get k --timeout 500ms', leaves);
    expect(asked).toMatchObject({ exitCode: 1 });
    expect(asked.stderr).toContain('DLE_MEMBER_REMOVED');
    expect(Object.keys(await members())).toHaveLength(2);

    // Its own log says so from now on, and its id is not given again.
    await leaves.stop();
    leaves.start();
    await cluster.eventually('a node that still knows it', async () =>
      (await cluster.status(id))?.role === 'removed' ? true : undefined,
    );
    const again = await run(`member add ${id} ${leaves.address}`, others[0]);
    expect(again).toMatchObject({ exitCode: 1 });
    expect(again.stderr).toContain('ids are not given twice');
  });

  it('hears of it from the others when it was down meanwhile', async () => {
    const leader = await cluster.leader();
    const leaves = cluster.server((leader % 3) + 1);
    const { id } = leaves.options;
    await leaves.stop();
    await succeed(`member remove ${id}`);
    leaves.start();
    await cluster.eventually('a node that is told', async () =>
      (await cluster.status(id))?.role === 'removed' ? true : undefined,
    );
  });

  it('hands over first where it leads', async () => {
    const leader = await cluster.leader();
    await succeed(`member remove ${leader}`);
    expect(await members()).not.toHaveProperty(`${leader}`);
    expect(await cluster.leader()).not.toBe(leader);
    await succeed('put after 1', cluster.server((leader % 3) + 1));
  });
});

describe('a wiped member', () => {
  it('is refused with instructions, and replaced in one step', async () => {
    await succeed('put before 1');
    const leader = await cluster.leader();
    const wiped = cluster.server((leader % 3) + 1);
    const { id } = wiped.options;
    await wiped.stop('SIGKILL');
    rmSync(join(cluster.dataDir, `node-${id}`), { recursive: true });
    wiped.start();
    expect(await wiped.exited()).toBe(1);
    expect(wiped.log()).toContain(`dle member replace ${id} NEW_ID@HOST:PORT`);

    // It gets no further by waiting silently until it is called.
    const waiting = new ServerProcess({ ...wiped.options, peers: [], flags: ['--join'] });
    strays.push(waiting);
    waiting.start();
    expect(await waiting.exited()).toBe(1);
    expect(waiting.log()).toContain('DLE_WIPED_MEMBER');

    const node = await newNode();
    const at = cluster.server(leader);
    await succeed(`member replace ${id} 4@${node.address}`, at);
    const now = await members();
    expect(now).not.toHaveProperty(`${id}`);
    expect(now).toHaveProperty('4', 'voter');
    await succeed(`member replace ${id} 4@${node.address}`, at);
    await cluster.converged();
    expect((await dle(['get', 'before', '--stale', '--endpoints', node.address])).stdout).toEqual(
      Buffer.from('1'),
    );
  });
});

describe('a transfer', () => {
  it('lets the other node lead, whoever is asked for it', async () => {
    const before = await cluster.leader();
    const target = (before % 3) + 1;
    expect(await succeed(`transfer ${target}`)).toBe(`node ${target} leads\n`);
    expect(await cluster.leader()).toBe(target);
    expect(await succeed(`transfer ${target}`)).toBe(`node ${target} leads\n`);
    const { node } = JSON.parse(await succeed('transfer --json'));
    expect(node).not.toBe(target);
    await succeed('put after 1');
  });

  it('is refused to one that is down, and to one that is none', async () => {
    const leader = await cluster.leader();
    const [down, up] = cluster.servers.filter(({ options }) => options.id !== leader);
    await down!.stop();
    const silent = await run(`transfer ${down!.options.id}`, up);
    expect(silent).toMatchObject({ exitCode: 1 });
    expect(silent.stderr).toContain('DLE_TRANSFER_FAILED');
    expect((await run('transfer 9', up)).stderr).toContain('DLE_TRANSFER_FAILED');
    await succeed('put after 1', up);
  });
});

describe('a change that would do harm', () => {
  it('is refused where too few voters would be left up', async () => {
    const leader = await cluster.leader();
    const [down, up] = cluster.servers.filter(({ options }) => options.id !== leader);
    await down!.stop();
    const refused = await run(`member remove ${up!.options.id}`, up);
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain('DLE_CHANGE_REFUSED');
    expect(refused.stderr).toContain('too few');
    // The one that is down may go.
    await succeed(`member remove ${down!.options.id}`, up);
    await succeed('put after 1', up);
  });

  it('is refused where the new node is not what it is said to be', async () => {
    const node = await newNode();
    const alone = await ProcessCluster.create({ nodes: 1 });
    alone.startAll();
    try {
      await alone.leader();
      const [own] = alone.endpoints;
      const [member] = cluster.endpoints;
      const refusals = {
        [`add 5 ${node.address}`]: 'is node 4, not 5',
        'add 4 127.0.0.1:9': 'no node answers at 127.0.0.1:9',
        [`add 1 ${own}`]: 'is a member already',
        [`add 7 ${member}`]: 'is node 1, not 7',
        'promote 4': 'is no learner',
        'remove 4': 'is not a member',
        [`replace 1 4@${own}`]: 'is node 1, not 4',
      };
      for (const [words, message] of Object.entries(refusals)) {
        const { exitCode, stderr } = await run(`member ${words}`);
        expect({ words, exitCode, stderr }).toEqual({
          words,
          exitCode: 1,
          stderr: expect.stringContaining(message),
        });
        expect(stderr).toContain('DLE_CHANGE_REFUSED');
      }
      expect(Object.keys(await members())).toEqual(['1', '2', '3']);
    } finally {
      await alone.destroy();
    }
  });
});
