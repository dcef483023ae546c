import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProcessCluster, ServerProcess } from '../src/testing/index.js';

let cluster: ProcessCluster;
const strays: ServerProcess[] = [];

beforeEach(async () => {
  cluster = await ProcessCluster.create();
});

afterEach(async () => {
  await Promise.all(strays.splice(0).map((stray) => stray.stop('SIGKILL')));
  await cluster.destroy();
});

/** A node that is not one of the cluster's, or is so under other flags. */
function stray(options: Partial<ServerProcess['options']>): ServerProcess {
  const server = new ServerProcess({
    ...cluster.server(1).options,
    logFile: join(cluster.dataDir, `stray-${strays.length}.log`),
    ...options,
  });
  strays.push(server);
  return server;
}

async function untilLogged(server: ServerProcess, text: string): Promise<void> {
  await cluster.eventually(`'${text}' in the log`, async () =>
    server.log().includes(text) ? true : undefined,
  );
}

describe('forming a cluster', () => {
  it.each([
    [1, 2, 3],
    [3, 2, 1],
    [2, 3, 1],
  ])('works when the nodes start in the order %i, %i, %i', async (...order) => {
    for (const id of order) {
      cluster.server(id).start();
      await untilLogged(cluster.server(id), 'listening');
    }
    await cluster.leader();
    await cluster.converged();
    const all = await cluster.statuses();
    expect(new Set(all.map((status) => status.cluster)).size).toBe(1);
    expect(all.map((status) => status.members.map((member) => member.id))).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('does not begin before everybody is there', async () => {
    cluster.server(1).start();
    cluster.server(2).start();
    await untilLogged(cluster.server(1), 'no answer from');
    expect((await cluster.status(1))?.role).toBe('forming');
    cluster.server(3).start();
    await cluster.leader();
  });

  it('survives SIGKILL of everybody at any moment of it', async () => {
    for (const delayMs of [150, 300, 450, 600]) {
      cluster.startAll();
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await cluster.stopAll('SIGKILL');
    }
    cluster.startAll();
    await cluster.leader();
    await cluster.converged();
    const all = await cluster.statuses();
    expect(new Set(all.map((status) => status.cluster)).size).toBe(1);
  });

  it('takes a node that is localhost here and 127.0.0.1 there for one', async () => {
    const ports = cluster.servers.map((server) => server.options.port);
    const nodes = ports.map((port, position) => {
      const host = position === 0 ? '127.0.0.1' : 'localhost';
      // Each names all three, itself included, by the other name.
      const peers = ports.map((other) => `${host}:${other}`);
      return stray({ id: position + 1, port, peers });
    });
    for (const node of nodes) node.start();
    const client = cluster.client();
    try {
      await client.put('k', 'v', { timeoutMs: 20_000 });
      const status = await client.status();
      expect(status.members.map((member) => member.id)).toEqual([1, 2, 3]);
    } finally {
      await client.close();
    }
  });

  it('refuses two empty nodes with one id, by name', async () => {
    const [one, two] = [cluster.server(1), cluster.server(2)];
    one.start();
    const twin = stray({
      port: two.options.port,
      peers: [one.address],
      dataDir: join(cluster.dataDir, 'twin'),
    });
    twin.start();
    expect(await twin.exited()).toBe(1);
    expect(twin.log()).toContain('DLE_DUPLICATE_ID');
    expect(twin.log()).toContain(one.address);
  });

  it('refuses a second node with the id of a member, and goes on', async () => {
    cluster.startAll();
    await cluster.leader();
    const spare = await ProcessCluster.create({ nodes: 1 });
    const twin = stray({
      id: 2,
      port: spare.server(1).options.port,
      peers: cluster.endpoints,
      dataDir: join(cluster.dataDir, 'twin'),
    });
    await spare.destroy();
    twin.start();
    expect(await twin.exited()).toBe(1);
    expect(twin.log()).toContain('DLE_WIPED_MEMBER');
    expect(await cluster.statuses()).toHaveLength(3);
  });

  it('refuses a member whose disk was wiped, and goes on without it', async () => {
    cluster.startAll();
    await cluster.leader();
    await cluster.converged();
    const client = cluster.client();
    try {
      await client.put('before', '1');
      const wiped = cluster.server(3);
      await wiped.stop('SIGKILL');
      rmSync(join(cluster.dataDir, 'node-3'), { recursive: true });
      wiped.start();
      expect(await wiped.exited()).toBe(1);
      expect(wiped.log()).toContain('DLE_WIPED_MEMBER');
      await client.put('after', '2');
      expect(Buffer.from((await client.get('before'))!).toString()).toBe('1');
    } finally {
      await client.close();
    }
  });

  it('finds members again that have moved to other ports', async () => {
    cluster.startAll();
    await cluster.leader();
    await cluster.converged();
    await cluster.stopAll();
    const moved = await ProcessCluster.create({ dataDir: cluster.dataDir });
    moved.startAll();
    try {
      await moved.leader();
      await moved.converged();
    } finally {
      await moved.stopAll('SIGKILL');
    }
  });
});

describe('one data directory', () => {
  it('is refused to a second process, by a clear error', async () => {
    cluster.server(1).start();
    await untilLogged(cluster.server(1), 'listening');
    const second = stray({ port: cluster.server(2).options.port });
    second.start();
    expect(await second.exited()).toBe(1);
    expect(second.log()).toContain('DLE_LOCKED');
    expect(second.log()).not.toContain('    at ');
  });
});

describe('one port', () => {
  it('is refused to a second process, by a clear error', async () => {
    cluster.server(1).start();
    await untilLogged(cluster.server(1), 'listening');
    const second = stray({ id: 2 });
    second.start();
    expect(await second.exited()).toBe(1);
    expect(second.log()).toContain('DLE_ADDRESS_IN_USE');
  });
});
