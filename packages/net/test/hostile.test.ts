import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DleError, SeededRandom } from '@dle/common';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FrameKind } from '../src/frame.js';
import type { Hello } from '../src/index.js';
import { encodeFrame, encodeHeader } from './support/frames.js';
import { VirtualClock } from './support/virtual-clock.js';
import {
  CLIENT_HELLO,
  connectedPair,
  makeClient,
  RawPeer,
  startServer,
  until,
} from './support/world.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const SEED = 20_260_802;

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.nextUint32());
}

const GOOD = encodeFrame(FrameKind.request, 1, { op: 'x' }, Uint8Array.of(1, 2, 3));

function broken(at: number): Uint8Array {
  const bytes = new Uint8Array(GOOD);
  bytes[at]! ^= 0x40;
  return bytes;
}

describe.each([
  ['before the hello', false],
  ['after it', true],
] as const)('what is no frame closes that connection %s', (_when, afterHello) => {
  test.each([
    ['random bytes', 'DLE_BAD_FRAME', randomBytes(new SeededRandom(SEED), 5_000)],
    ['a browser', 'DLE_BAD_FRAME', Buffer.from(`GET / HTTP/1.1\r\nHost: localhost:9001\r\n\r\n`)],
    ['a wrong header checksum', 'DLE_BAD_FRAME', broken(9)],
    ['a wrong body checksum', 'DLE_BAD_FRAME', broken(GOOD.length - 1)],
    [
      'a giant length',
      'DLE_FRAME_TOO_LARGE',
      encodeHeader({ kind: 4, id: 1, rawLength: 2 ** 32 - 1 }),
    ],
    [
      'a giant control part',
      'DLE_FRAME_TOO_LARGE',
      encodeHeader({ kind: 4, id: 1, controlLength: 2 ** 30 }),
    ],
    ['another version', 'DLE_FORMAT', encodeHeader({ kind: 1, version: 2 })],
    ['an unknown kind', 'DLE_FORMAT', encodeHeader({ kind: 77 })],
    [
      'a control part that is no map',
      'DLE_BAD_FRAME',
      encodeFrame(4, 1, Uint8Array.of(0x92, 1, 2)),
    ],
    ['a pointless greeting', 'DLE_BAD_FRAME', encodeFrame(FrameKind.welcome, 0, { protocol: 1 })],
  ] as const)('%s: %s', async (_what, code, bytes) => {
    const { port, logger, rpc } = await connectedPair();
    const peer = new RawPeer(port);
    if (afterHello) {
      peer.hello();
      await peer.heard(FrameKind.welcome);
    }
    expect(await peer.say(bytes).heard(FrameKind.refusal)).toMatchObject({ code });
    await peer.closed;
    const [warning] = logger.at('warn');
    expect(warning).toMatchObject({ fields: { code } });
    expect(warning!.fields.remote).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(warning!.message).toContain(warning!.fields.remote as string);
    // Nobody else noticed.
    expect((await rpc.request({ n: 1 })).control).toEqual({ n: 1 });
  });
});

test('garbage behind good frames: the good ones are answered first', async () => {
  const { port } = await startServer();
  const peer = new RawPeer(port).hello().say(GOOD, Buffer.alloc(40, 0xee));
  expect(await peer.heard(FrameKind.response)).toEqual({ op: 'x' });
  expect(await peer.heard(FrameKind.refusal)).toMatchObject({ code: 'DLE_BAD_FRAME' });
});

test('a body over the limit for a stranger is refused, though a welcome client may send it', async () => {
  const { port } = await startServer();
  const huge = { ...CLIENT_HELLO, lane: 'x'.repeat(70_000) };
  expect(await new RawPeer(port).hello(huge).heard(FrameKind.refusal)).toMatchObject({
    code: 'DLE_FRAME_TOO_LARGE',
  });
  const client = new RawPeer(port).hello();
  client.say(encodeFrame(FrameKind.request, 1, { n: 1 }, new Uint8Array(70_000)));
  expect(await client.heard(FrameKind.response)).toEqual({ n: 1 });
});

describe('greetings', () => {
  test.each([
    ['protocol', { ...CLIENT_HELLO, protocol: 1 }],
    ['protocol', { ...CLIENT_HELLO, protocol: [2, 1] }],
    ['role', { ...CLIENT_HELLO, role: 'king' }],
    ['lane', { protocol: [1, 1], role: 'client' }],
    ['node', { ...CLIENT_HELLO, node: -1 }],
    ['target', { ...CLIENT_HELLO, target: 'n2' }],
    ['cluster', { ...CLIENT_HELLO, cluster: 7 }],
  ])('a hello whose %s makes no sense is DLE_BAD_FRAME', async (field, hello) => {
    const { port, hellos } = await startServer();
    const refusal = await new RawPeer(port).hello(hello as Hello).heard(FrameKind.refusal);
    expect(refusal).toMatchObject({ code: 'DLE_BAD_FRAME' });
    expect(refusal.message).toContain(`'${field}'`);
    expect(hellos).toEqual([]);
  });

  test('no common protocol version: DLE_HELLO_REFUSED, with both ranges', async () => {
    const { port, logger, hellos, server } = await startServer();
    const peer = new RawPeer(port).hello({ ...CLIENT_HELLO, protocol: [2, 3] });
    const refusal = await peer.heard(FrameKind.refusal);
    expect(refusal).toMatchObject({ code: 'DLE_HELLO_REFUSED' });
    expect(refusal.message).toContain('2 to 3');
    await peer.closed;
    expect(hellos).toEqual([]);
    expect(logger.at('warn')).toHaveLength(1);
    await until(() => server.stats().refused === 1);
  });

  test('the acceptor says no: its code and message, to the peer and the log', async () => {
    const { port, logger } = await startServer({
      hello: () => {
        throw new DleError('DLE_FOREIGN_CLUSTER', 'this is cluster c, not d');
      },
    });
    const refusal = await new RawPeer(port).hello().heard(FrameKind.refusal);
    expect(refusal).toEqual({ code: 'DLE_FOREIGN_CLUSTER', message: 'this is cluster c, not d' });
    expect(logger.at('warn')[0]).toMatchObject({ fields: { code: 'DLE_FOREIGN_CLUSTER' } });
  });

  test('a bug in the acceptor closes the connection, and is logged as one', async () => {
    const bug = new TypeError('oops');
    const { port, logger } = await startServer({
      hello: () => {
        throw bug;
      },
    });
    const refusal = await new RawPeer(port).hello().heard(FrameKind.refusal);
    expect(refusal).toMatchObject({ code: 'DLE_INTERNAL' });
    expect(logger.at('error')[0]!.fields.err).toBe(bug);
  });

  test('a request before the hello is no way to begin', async () => {
    const { port, rpcs } = await startServer();
    expect(await new RawPeer(port).say(GOOD).heard(FrameKind.refusal)).toMatchObject({
      code: 'DLE_BAD_FRAME',
    });
    expect(rpcs).toEqual([]);
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['half a hello', encodeFrame(FrameKind.hello, 0, { ...CLIENT_HELLO }).subarray(0, 40)],
  ])('%s, and then silence: closed after the hello time-out', async (_what, bytes) => {
    const clock = new VirtualClock();
    const { port, server, logger } = await startServer({ clock, helloTimeoutMs: 300 });
    const peer = new RawPeer(port).say(bytes);
    await until(() => server.stats().connections === 1);
    clock.advance(299);
    expect(logger.at('warn')).toEqual([]);
    clock.advance(1);
    expect(await peer.heard(FrameKind.refusal)).toMatchObject({ code: 'DLE_TIMEOUT' });
    await peer.closed;
    await until(() => server.stats().connections === 0);
    expect(server.stats()).toEqual({ connections: 0, welcomed: 0, refused: 1 });
  });
});

describe('many of them', () => {
  test('one connection too many is refused with DLE_OVERLOADED, and there is room again when one leaves', async () => {
    const { port, address, server } = await startServer({ maxConnections: 3 });
    const peers = [1, 2, 3].map(() => new RawPeer(port).hello());
    for (const peer of peers) await peer.heard(FrameKind.welcome);
    const fourth = new RawPeer(port).hello();
    expect(await fourth.heard(FrameKind.refusal)).toMatchObject({ code: 'DLE_OVERLOADED' });
    await fourth.closed;
    await until(() => server.stats().refused === 1);
    expect(server.stats()).toEqual({ connections: 3, welcomed: 3, refused: 1 });
    peers[0]!.socket.destroy();
    const rpc = await makeClient([address]).connect();
    expect((await rpc.request({ n: 1 })).control).toEqual({ n: 1 });
  });

  test('hundreds that send rubbish or promise gigabytes take little memory and leave everybody in peace', async () => {
    const { port, rpc, server } = await connectedPair();
    const random = new SeededRandom(SEED);
    const promise = encodeHeader({ kind: 4, id: 1, rawLength: 16 * 1024 * 1024 });
    const bytesInUse = (): number => {
      collect();
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      return arrayBuffers + heapUsed;
    };
    const attack = async (): Promise<void> => {
      const peers = Array.from({ length: 200 }, (_, n) => {
        const peer = new RawPeer(port);
        if (n % 2 === 0) return peer.say(randomBytes(random, 5_000));
        return peer.hello().say(promise, new Uint8Array(10_000));
      });
      await Promise.all(peers.filter((_, n) => n % 2 === 0).map(({ closed }) => closed));
      for (const peer of peers.filter((_, n) => n % 2 === 1)) await peer.heard(FrameKind.welcome);
      // While they hold what they promised: 64 KiB each, not 16 MiB.
      expect(bytesInUse() - before).toBeLessThan(40 * 1024 * 1024);
      expect((await rpc.request({ n: 1 })).control).toEqual({ n: 1 });
      for (const { socket } of peers) socket.destroy();
      await until(() => server.stats().connections === 1);
    };
    let before = bytesInUse();
    await attack();
    before = bytesInUse();
    for (let round = 0; round < 3; round++) await attack();
  });

  test('thousands leave nothing behind in the memory of the server', async () => {
    const program = new URL('./support/measured-server.mjs', import.meta.url);
    const child = fork(program, { execArgv: ['--expose-gc'] });
    onTestFinished(() => void child.kill());
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    // The least of some: V8 frees array buffers beside the program, so one look may come too early.
    // What has leaked does not go, however often one looks.
    const measure = async () => {
      let least = Number.POSITIVE_INFINITY;
      for (let looks = 0; looks < 20; ) {
        child.send('measure');
        type Measured = { bytes: number; connections: number };
        const [{ bytes, connections }] = (await once(child, 'message')) as [Measured];
        if (connections > 0) continue;
        least = Math.min(least, bytes);
        looks++;
      }
      return least;
    };
    const random = new SeededRandom(SEED);
    const promise = encodeHeader({ kind: 4, id: 1, rawLength: 16 * 1024 * 1024 });
    const attack = async (): Promise<void> => {
      const peers = Array.from({ length: 100 }, (_, n) => {
        const peer = new RawPeer(port);
        if (n % 2 === 0) return peer.say(randomBytes(random, 2_000));
        return peer.hello().say(promise, new Uint8Array(2_000));
      });
      await Promise.all(peers.map((peer, n) => n % 2 === 0 && peer.closed));
      for (const [n, peer] of peers.entries()) {
        if (n % 2 === 1) await peer.heard(FrameKind.welcome);
        peer.socket.destroy();
      }
    };
    for (let round = 0; round < 10; round++) await attack();
    const before = await measure();
    for (let round = 0; round < 20; round++) await attack();
    // 2,000 connections: a server that kept only the Rpcs of those with a hello would keep 4.6 MB.
    expect((await measure()) - before).toBeLessThan(2 * 1024 * 1024);
  });
});
