import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@dle/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNode } from '../src/index.js';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'dle-node-'));
});

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

describe('an embedded node', () => {
  it('serves by itself, closes, and finds its data again', async () => {
    for (let round = 1; round <= 3; round++) {
      const node = await createNode({ port: 0, dataDir });
      const client = new Client({}, { endpoints: [node.address] });
      await client.put(`round ${round}`, 'here');
      for (let before = 1; before <= round; before++) {
        const got = await client.get(`round ${before}`);
        expect(Buffer.from(got!).toString()).toBe('here');
      }
      expect(node.status()).toMatchObject({ role: 'leader', keys: round, leader: 1 });
      await client.close();
      await node.close();
      await node.closed;
    }
  });

  it('answers 1,000 puts and gets in flight, each with its own', async () => {
    const node = await createNode({ port: 0, dataDir });
    const client = new Client({}, { endpoints: [node.address] });
    const keys = Array.from({ length: 1_000 }, (_, i) => `key ${i}`);
    const indexes = await Promise.all(keys.map((key) => client.put(key, `value of ${key}`)));
    expect(new Set(indexes.map(({ index }) => index)).size).toBe(keys.length);
    const values = await Promise.all(keys.map((key) => client.get(key)));
    expect(values.map((value) => Buffer.from(value!).toString())).toEqual(
      keys.map((key) => `value of ${key}`),
    );
    await client.close();
    await node.close();
  });

  it('pages a dump of one moment while writes go on', async () => {
    const node = await createNode({ port: 0, dataDir });
    const client = new Client({}, { endpoints: [node.address] });
    const count = 300;
    const large = Buffer.alloc(50_000, 7);
    await Promise.all(Array.from({ length: count }, (_, i) => client.put(`old ${i}`, large)));
    const seen = new Map<string, number>();
    for await (const { key, value } of client.dump()) {
      seen.set(Buffer.from(key).toString(), value.length);
      if (seen.size % 50 === 0) {
        await client.put(`old ${count - 1}`, 'overwritten');
        await client.put(`new ${seen.size}`, 'not in the dump');
      }
    }
    expect(seen.size).toBe(count);
    expect(new Set(seen.values())).toEqual(new Set([large.length]));
    await client.close();
    await node.close();
  });

  it('closes without a complaint while it still starts up', async () => {
    for (let round = 0; round < 10; round++) {
      const peers = round % 2 === 0 ? [] : ['127.0.0.1:1'];
      const node = await createNode({ port: 0, dataDir, peers });
      await node.close();
      await expect(node.closed).resolves.toBeUndefined();
    }
  });

  it('refuses a directory that another node of this process has', async () => {
    const node = await createNode({ port: 0, dataDir });
    await expect(createNode({ port: 0, dataDir })).rejects.toMatchObject({ code: 'DLE_LOCKED' });
    await node.close();
  });

  it('gives its place, data and lead to another that joins, and so does that one', async () => {
    let place = await createNode({ port: 0, dataDir });
    const client = new Client({}, { endpoints: [place.address] });
    await client.put('moved', 'along');
    await client.close();
    for (const id of [2, 3]) {
      const next = await createNode({ id, port: 0, dataDir, join: true });
      expect(next.status()).toMatchObject({ role: 'forming' });
      const mover = new Client({}, { endpoints: [place.address, next.address] });
      await mover.replaceMember(id - 1, id, next.address, { timeoutMs: 20_000 });
      expect(Buffer.from((await mover.get('moved'))!).toString()).toBe('along');
      expect(next.status()).toMatchObject({ role: 'leader', members: [{ id, kind: 'voter' }] });
      await mover.close();
      await place.close();
      place = next;
    }
    await place.close();
  });
});
