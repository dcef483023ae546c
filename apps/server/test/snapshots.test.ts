import type { Client } from '@dle/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProcessCluster } from '../src/testing/index.js';
import { dle } from './dle-command.js';
import { contentOf, fill } from './support/content.js';

const FLAGS = '--log-retention-bytes 256KB --segment-size 256KB'.split(' ');
/** Slow enough that something can happen in the middle. */
const SLOWLY = ['--snapshot-bytes-per-second', '1MB'];

let cluster: ProcessCluster;
let client: Client;

async function start(flags: readonly string[] = FLAGS): Promise<void> {
  cluster = await ProcessCluster.create({ flags });
  cluster.startAll();
  await cluster.leader();
  client = cluster.client();
}

/** A follower that is stopped; the others then write so much that they purge what it lacks. */
async function leaveBehind(): Promise<number> {
  await fill(client, 200);
  await cluster.converged();
  const leader = await cluster.leader();
  const away = leader === 1 ? 2 : 1;
  await cluster.server(away).stop();
  await fill(client, 800);
  await cluster.eventually('a purged log', async () => {
    // An idle node does not look whether it could purge.
    await fill(client, 50);
    const status = await cluster.status(leader);
    return (status?.firstIndex ?? 0) > 500 ? true : undefined;
  });
  return away;
}

async function expectEqual(): Promise<void> {
  await cluster.converged();
  const running = cluster.servers.filter((server) => server.running);
  const contents = await Promise.all(running.map(({ options }) => contentOf(cluster, options.id)));
  expect(new Set(contents).size).toBe(1);
}

afterEach(async () => {
  await client.close();
  await cluster.destroy();
});

/** Starts it, and waits until a snapshot has begun to come. */
async function startReceiving(away: number): Promise<void> {
  cluster.server(away).start();
  await cluster.eventually('a snapshot under way', async () => {
    const { receiving } = (await cluster.status(away))?.snapshots ?? {};
    return (receiving?.doneBytes ?? 0) > 0 ? true : undefined;
  });
}

it('brings a member that was away while the log was purged up to date, while writes go on', async () => {
  await start();
  const away = await leaveBehind();
  cluster.server(away).start();
  await fill(client, 200, { from: 5_000 });
  await expectEqual();
  const status = await cluster.status(away);
  expect(status!.snapshots.received).toBeGreaterThan(0);
  expect(status!.firstIndex).toBeGreaterThan(500);
  // It takes part as before.
  const leader = await cluster.leader();
  const third = [1, 2, 3].find((id) => id !== leader && id !== away)!;
  await cluster.server(third).stop('SIGKILL');
  await client.put('with it', 'alone');
  cluster.server(third).start();
  await expectEqual();
});

it('brings a new member of an idle cluster what it keeps no log of', async () => {
  await start();
  await fill(client, 800);
  await cluster.converged();
  const { server, advertised } = await cluster.addServer();
  server.start();
  await cluster.eventually('a node that waits', async () => (await cluster.status(4)) && true);
  const added = ['member', 'add', '4', advertised, '--endpoints', cluster.endpoints.join()];
  expect(await dle(added)).toMatchObject({ exitCode: 0 });
  await expectEqual();
  expect(await cluster.status(4)).toMatchObject({ snapshots: { received: 1 } });
});

describe('slowly', () => {
  beforeEach(() => start([...FLAGS, ...SLOWLY]));

  it('goes on where a receiver that was killed has been', async () => {
    const away = await leaveBehind();
    await startReceiving(away);
    await cluster.eventually('a whole segment there', async () => {
      const { receiving } = (await cluster.status(away))?.snapshots ?? {};
      return (receiving?.doneBytes ?? 0) > 700_000 ? true : undefined;
    });
    await cluster.server(away).stop('SIGKILL');
    cluster.server(away).start();
    await expectEqual();
    expect(cluster.server(away).log()).toContain('"resumed":true');
  });

  it('begins anew with another leader where the sender was killed', async () => {
    const away = await leaveBehind();
    await startReceiving(away);
    const leader = await cluster.leader();
    await cluster.server(leader).stop('SIGKILL');
    await fill(client, 50, { from: 9_000 });
    cluster.server(leader).start();
    await expectEqual();
    expect((await cluster.status(away))!.snapshots.received).toBe(1);
  });

  it('closes in the middle of it, on either side', async () => {
    const away = await leaveBehind();
    await startReceiving(away);
    const leader = await cluster.leader();
    const both = [away, leader].map((id) => cluster.server(id).stop());
    expect(await Promise.all(both)).toEqual([0, 0]);
    cluster.server(away).start();
    cluster.server(leader).start();
    await expectEqual();
  });
});
