import { expect, test } from 'vitest';
import { FrameKind } from '../src/frame.js';
import type { Rpc } from '../src/index.js';
import { encodeFrame } from './support/frames.js';
import { VirtualClock } from './support/virtual-clock.js';
import {
  connectedPair,
  makeClient,
  RawPeer,
  startProxy,
  startServer,
  until,
} from './support/world.js';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('a peer that asks and does not read grows no queue: its requests are not read any more', async () => {
  let asked = 0;
  let largest = 0;
  const value = new Uint8Array(256 * 1024);
  const { port, rpcs } = await startServer({
    maxQueuedBytes: 4 * 1024 * 1024,
    handler: {
      request: (_control, _raw, rpc: Rpc) => {
        asked++;
        largest = Math.max(largest, rpc.bufferedBytes);
        return { control: {}, raw: value };
      },
    },
  });
  const peer = new RawPeer(port).hello();
  await peer.heard(FrameKind.welcome);
  peer.socket.pause();
  for (let id = 1; id <= 400; id++) peer.say(encodeFrame(FrameKind.request, id, { op: 'get' }));
  await until(() => rpcs[0]!.bufferedBytes > 2 * 1024 * 1024);
  await settle();
  // Half of the queue, what the kernel took, and not 100 MB.
  expect(asked).toBeLessThan(100);
  expect(largest).toBeLessThan(4 * 1024 * 1024);
  peer.socket.resume();
  await until(() => peer.frames.filter(({ kind }) => kind === FrameKind.response).length === 400);
  expect(asked).toBe(400);
});

test('answers that come all at once to a peer that does not read: DLE_OVERLOADED for those without room', async () => {
  const { rpc, peer } = await connectedPair(
    {},
    {
      maxQueuedBytes: 1024 * 1024,
      handler: {
        request: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return { control: {}, raw: new Uint8Array(200 * 1024) };
        },
      },
    },
  );
  // All are with the handler before the first answer is made.
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, n) => peer.request({ n })),
  );
  const failed = outcomes.filter(({ status }) => status === 'rejected');
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(40);
  for (const outcome of failed) {
    expect((outcome as PromiseRejectedResult).reason).toMatchObject({
      code: 'DLE_OVERLOADED',
      effect: 'unknown',
      retryable: true,
    });
  }
  expect(rpc.bufferedBytes).toBe(0);
});

test('a flood of pings that nobody reads the answers of fills no queue', async () => {
  const { port, rpcs } = await startServer();
  const peer = new RawPeer(port).hello();
  await peer.heard(FrameKind.welcome);
  const pings = Buffer.concat(Array(10_000).fill(encodeFrame(FrameKind.ping, 0)));
  for (let round = 0; round < 20; round++) peer.say(pings);
  peer.say(encodeFrame(FrameKind.request, 1, { op: 'last' }));
  expect(await peer.heard(FrameKind.response)).toEqual({ op: 'last' });
  expect(rpcs[0]!.bufferedBytes).toBe(0);
  expect(peer.frames.filter(({ kind }) => kind === FrameKind.pong).length).toBeLessThan(20_000);
});

test('a peer that is gone without a word is noticed, on both sides, and the client comes back', async () => {
  const clock = new VirtualClock();
  const { address, rpcs } = await startServer({ clock, keepaliveMs: 100 });
  const { proxy, address: through } = await startProxy(address);
  const client = makeClient([through], { clock, keepaliveMs: 100 });
  const rpc = await client.connect();
  proxy.both({ hold: true });
  for (let tick = 0; tick < 3; tick++) {
    expect(rpc.closedReason).toBeUndefined();
    clock.advance(100);
    await settle();
  }
  for (const side of [rpc, rpcs[0]!]) {
    expect(side.closedReason).toMatchObject({ code: 'DLE_CONNECTION_LOST' });
    expect(side.closedReason!.message).toContain('silent');
  }
  proxy.both({});
  clock.advance(100);
  const again = await client.connect();
  expect((await again.request({ n: 2 })).control).toEqual({ n: 2 });
});

test('an idle connection with both sides alive stays', async () => {
  const clock = new VirtualClock();
  const { rpc } = await connectedPair({ clock, keepaliveMs: 100 }, { clock, keepaliveMs: 100 });
  for (let tick = 0; tick < 20; tick++) {
    clock.advance(100);
    await settle();
  }
  expect(rpc.closedReason).toBeUndefined();
  expect((await rpc.request({ n: 1 })).control).toEqual({ n: 1 });
});
