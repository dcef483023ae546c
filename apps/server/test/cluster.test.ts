import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@dle/client';
import { isDleError } from '@dle/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessCluster } from '../src/testing/index.js';
import { dle } from './dle-command.js';

let cluster: ProcessCluster;
let client: Client;

beforeAll(async () => {
  cluster = await ProcessCluster.create();
  cluster.startAll();
  await cluster.leader();
  client = cluster.client();
});

afterAll(async () => {
  await client.close();
  await cluster.destroy();
});

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

describe('any node', () => {
  it('takes every request, and all see what one has taken', async () => {
    for (const [position, endpoint] of cluster.endpoints.entries()) {
      const at = ['--endpoints', endpoint];
      const key = `from ${position}`;
      expect(await dle(['put', key, `value ${position}`, ...at])).toMatchObject({ exitCode: 0 });
      for (const other of cluster.endpoints) {
        const got = await dle(['get', key, '--endpoints', other]);
        expect(got.stdout.toString()).toBe(`value ${position}`);
      }
      expect(await dle(['del', key, ...at])).toMatchObject({ exitCode: 0 });
      expect(await dle(['get', key, ...at])).toMatchObject({ exitCode: 1 });
      expect(await dle(['del', key, ...at])).toMatchObject({ exitCode: 1 });
      const status = await dle(['status', '--json', ...at]);
      expect(status.exitCode).toBe(0);
    }
  });

  it.each(['linearizable', 'lease', 'follower'] as const)(
    'sees by a %s read what was acknowledged before it',
    async (level) => {
      const others = cluster.endpoints.map((endpoint) => cluster.client([endpoint]));
      for (let round = 0; round < 20; round++) {
        await client.put('read', `${level} ${round}`);
        const values = await Promise.all(others.map((other) => other.get('read', { level })));
        const seen = values.map((value) => Buffer.from(value!).toString());
        expect(seen).toEqual(others.map(() => `${level} ${round}`));
      }
      await Promise.all(others.map((other) => other.close()));
    },
  );

  it('says what every node holds by a stale read, in the end what the others hold', async () => {
    await client.put('read', 'stale');
    await cluster.converged();
    for (const endpoint of cluster.endpoints) {
      const got = await dle(['get', 'read', '--level', 'stale', '--endpoints', endpoint]);
      expect(got.stdout.toString()).toBe('stale');
    }
  });

  it.each([
    ['an empty value', Buffer.alloc(0)],
    ['one of every byte', Buffer.from(everyByte)],
    ['a mebibyte', randomBytes(1024 ** 2)],
    ['the largest that is allowed', randomBytes(8 * 1024 ** 2)],
  ])('keeps %s', async (_, value) => {
    await client.put('value', value);
    for (const endpoint of cluster.endpoints) {
      const other = cluster.client([endpoint]);
      const got = await other.get('value');
      await other.close();
      expect(Buffer.compare(got!, value)).toBe(0);
    }
  });

  it.each([
    ['no bytes', Buffer.alloc(0)],
    ['4,096 bytes', randomBytes(4_096)],
    ['every byte', Buffer.from(everyByte)],
  ])('keeps a key of %s', async (_, key) => {
    await client.put(key, 'there');
    expect(Buffer.from((await client.get(key))!).toString()).toBe('there');
    expect(await client.del(key)).toMatchObject({ existed: true });
    expect(await client.get(key)).toBeUndefined();
  });

  it('refuses a key and a value that are too large, and says so', async () => {
    const file = join(cluster.dataDir, 'large');
    writeFileSync(file, Buffer.alloc(10 * 1024 ** 2));
    const at = ['--endpoints', cluster.endpoints.join()];
    const value = await dle(['put', 'k', '--value-file', file, ...at]);
    expect(value).toMatchObject({ exitCode: 1 });
    expect(value.stderr).toContain('DLE_VALUE_TOO_LARGE');
    const key = await dle(['put', 'k'.repeat(5_000), 'v', ...at]);
    expect(key).toMatchObject({ exitCode: 1 });
    expect(key.stderr).toContain('DLE_KEY_TOO_LARGE');
  });
});

describe('a leader killed under load', () => {
  /**
   * Writes until told to stop; returns what was acknowledged, and what may or may not have been
   * stored.
   */
  async function write(writer: number, stop: () => boolean) {
    const own = cluster.client();
    const acknowledged = new Map<string, string>();
    const unsure = new Map<string, string>();
    for (let i = 0; !stop(); i++) {
      const [key, value] = [`w${writer}/${i}`, `${writer}:${i}`];
      try {
        await own.put(key, value, { timeoutMs: 20_000 });
        acknowledged.set(key, value);
      } catch (thrown) {
        if (!isDleError(thrown, 'DLE_OUTCOME_UNKNOWN')) throw thrown;
        unsure.set(key, value);
      }
    }
    await own.close();
    return { acknowledged, unsure };
  }

  it('loses no acknowledged write, and comes back as a member', async () => {
    let stopped = false;
    const writing = [1, 2, 3, 4].map((writer) => write(writer, () => stopped));
    for (let round = 0; round < 2; round++) {
      await cluster.eventually('some writes', async () =>
        ((await cluster.statuses())[0]?.applied ?? 0) > 200 * (round + 1) ? true : undefined,
      );
      const killed = await cluster.leader();
      await cluster.server(killed).stop('SIGKILL');
      const next = await cluster.leader();
      expect(next).not.toBe(killed);
      await client.put(`after kill ${round}`, 'served', { timeoutMs: 20_000 });
      cluster.server(killed).start();
      await cluster.eventually('the killed node', async () => cluster.status(killed));
    }
    stopped = true;
    const results = await Promise.all(writing);
    await cluster.converged();
    for (const { acknowledged, unsure } of results) {
      expect(acknowledged.size).toBeGreaterThan(0);
      for (const [key, value] of acknowledged) {
        expect(Buffer.from((await client.get(key)) ?? []).toString(), key).toBe(value);
      }
      for (const [key, value] of unsure) {
        const got = await client.get(key);
        if (got !== undefined) expect(Buffer.from(got).toString()).toBe(value);
      }
    }
  });

  it('is not believed after a pause: a read at a deposed leader does not see the past', async () => {
    const paused = await cluster.leader();
    await client.put('who', 'old');
    const server = cluster.server(paused);
    server.pause();
    const others = cluster.client(
      cluster.endpoints.filter((endpoint) => endpoint !== server.address),
    );
    // Whoever passes a write on to a leader that is paused cannot know what becomes of it; this one
    // may be written twice.
    await cluster.eventually('a new leader', async () => {
      try {
        return await others.put('who', 'new', { timeoutMs: 20_000 });
      } catch (thrown) {
        if (isDleError(thrown, 'DLE_OUTCOME_UNKNOWN')) return undefined;
        throw thrown;
      }
    });
    await others.close();
    server.resume();
    const asked = cluster.client([server.address]);
    const seen = await asked.get('who', { timeoutMs: 20_000 });
    await asked.close();
    expect(Buffer.from(seen!).toString()).toBe('new');
  });
});

describe('SIGTERM', () => {
  it('stops a node cleanly, and it starts again with what it had', async () => {
    await client.put('kept', 'yes');
    await cluster.converged();
    const codes = await Promise.all(cluster.servers.map((server) => server.stop('SIGTERM')));
    expect(codes).toEqual([0, 0, 0]);
    cluster.startAll();
    await cluster.leader();
    const got = await client.get('kept', { timeoutMs: 20_000 });
    expect(Buffer.from(got!).toString()).toBe('yes');
  });
});
