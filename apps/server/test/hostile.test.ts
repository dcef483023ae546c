import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessCluster } from '../src/testing/index.js';

let cluster: ProcessCluster;

beforeAll(async () => {
  cluster = await ProcessCluster.create({ nodes: 1 });
  cluster.startAll();
  await cluster.leader();
});

afterAll(async () => {
  await cluster.destroy();
});

/** Opens a connection, sends the bytes, and resolves when the node has closed it. */
function send(bytes: Uint8Array, thenEnd: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(cluster.server(1).options.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
    socket.resume();
    if (thenEnd) socket.end(bytes);
    else socket.write(bytes);
  });
}

async function expectServing(): Promise<void> {
  const client = cluster.client();
  const value = randomBytes(8).toString('hex');
  await client.put('alive', value);
  expect(Buffer.from((await client.get('alive'))!).toString()).toBe(value);
  await client.close();
}

function residentBytes(): number {
  const status = readFileSync(`/proc/${cluster.server(1).pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/**
 * A header that announces `length` bytes, its own checksum wrong: nobody vouches for the length.
 */
function giant(length: number): Buffer {
  const header = Buffer.alloc(32);
  header.write('DLEW', 0);
  header[4] = 1;
  header[5] = 1;
  header.writeUInt16LE(32, 6);
  header.writeUInt32LE(length, 16);
  return header;
}

describe('a port that strangers talk to', () => {
  it.each([
    ['random bytes', () => randomBytes(4_096), false],
    ['an HTTP request', () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4)), false],
    ['a giant length', () => giant(0xffff_ffff), false],
    ['half a frame', () => giant(64).subarray(0, 20), true],
    ['nothing at all', () => Buffer.alloc(0), true],
  ])('survives %s, closes the connection and goes on serving', async (_, bytes, thenEnd) => {
    for (let round = 0; round < 20; round++) await send(bytes(), thenEnd);
    await expectServing();
  });

  it('says in the log why it closed a connection', async () => {
    await send(randomBytes(64), false);
    await cluster.eventually('the reason in the log', async () =>
      cluster.server(1).log().includes('DLE_BAD_FRAME') ? true : undefined,
    );
  });

  it('keeps its memory flat under hundreds of such connections', async () => {
    const flood = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        await Promise.all(Array.from({ length: 20 }, () => send(randomBytes(60_000), false)));
      }
    };
    await flood(5);
    const before = residentBytes();
    await flood(15);
    expect(residentBytes() - before).toBeLessThan(64 * 1024 ** 2);
    await expectServing();
  });
});
