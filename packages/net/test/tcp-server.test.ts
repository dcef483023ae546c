import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { systemClock } from '@dle/common';
import { describe, expect, test } from 'vitest';
import { FrameKind } from '../src/frame.js';
import { TcpServer } from '../src/index.js';
import { encodeFrame } from './support/frames.js';
import { RecordingLogger } from './support/recording-logger.js';
import { VirtualClock } from './support/virtual-clock.js';
import { connectedPair, failure, RawPeer, startServer, until, WELCOME } from './support/world.js';

function serverAt(host: string, port: number): TcpServer {
  return new TcpServer(
    {
      clock: systemClock,
      logger: new RecordingLogger(),
      acceptor: { hello: () => WELCOME, accepted: () => ({}) },
    },
    { host, port },
  );
}

describe('listen', () => {
  test('a port that is taken is DLE_ADDRESS_IN_USE, in one sentence with the address', async () => {
    const { port, address } = await startServer();
    const error = await failure(serverAt('127.0.0.1', port).listen());
    expect(error).toMatchObject({ code: 'DLE_ADDRESS_IN_USE' });
    expect(error.message).toBe(`another process listens at ${address} already`);
  });

  test('a host that is not of this machine is DLE_INVALID_ARGUMENT', async () => {
    // 192.0.2.0/24 is for documentation (RFC 5737).
    const error = await failure(serverAt('192.0.2.1', 0).listen());
    expect(error).toMatchObject({ code: 'DLE_INVALID_ARGUMENT' });
    expect(error.message).toContain('192.0.2.1');
  });
});

describe('close', () => {
  test('lets the requests it has taken finish, takes no more, and then hangs up', async () => {
    let answer = (): void => {};
    const served: unknown[] = [];
    const { rpc, server } = await connectedPair({
      closeTimeoutMs: 60_000,
      handler: {
        request: (control) => {
          served.push(control.n);
          return new Promise((resolve) => {
            answer = () => resolve({ control, raw: new Uint8Array(300_000) });
          });
        },
      },
    });
    const first = rpc.request({ n: 1 });
    await until(() => served.length === 1);
    const closing = server.close();
    const second = failure(rpc.request({ n: 2 }));
    answer();
    expect((await first).raw).toHaveLength(300_000);
    expect(await second).toMatchObject({ code: 'DLE_CONNECTION_LOST', effect: 'unknown' });
    await closing;
    expect(served).toEqual([1]);
    expect(rpc.closedReason!.message).toContain('the server is closing');
  });

  test('waits for a handler that never ends no longer than it was told', async () => {
    const clock = new VirtualClock();
    const { rpc, server, peer } = await connectedPair({
      clock,
      closeTimeoutMs: 700,
      handler: { request: () => new Promise(() => {}) },
    });
    const asked = failure(rpc.request({}));
    await until(() => rpc.bufferedBytes === 0);
    const closing = server.close();
    await until(() => clock.delays.includes(700));
    clock.advance(699);
    expect(peer.closedReason).toBeUndefined();
    clock.advance(1);
    await closing;
    expect(await asked).toMatchObject({ code: 'DLE_CONNECTION_LOST', effect: 'unknown' });
  });

  test('leaves no socket, no listener and no timer behind', async () => {
    const clock = new VirtualClock();
    const { server, port, client } = await connectedPair({ clock });
    const stranger = new RawPeer(port);
    await until(() => server.stats().connections === 2);
    await client.close();
    await server.close();
    await stranger.closed;
    expect(clock.delays).toEqual([]);
    expect(server.stats().connections).toBe(0);
    const refused = connect({ host: '127.0.0.1', port });
    const [error] = await once(refused, 'error');
    expect(error.code).toBe('ECONNREFUSED');
    await server.close();
  });

  test('a hello that comes while it closes is refused', async () => {
    const { server, port, rpc, logger } = await connectedPair({
      closeTimeoutMs: 60_000,
      handler: { request: () => new Promise(() => {}) },
    });
    rpc.request({}).catch(() => {});
    const late = new RawPeer(port);
    await until(() => server.stats().connections === 2);
    const closing = server.close();
    late.hello();
    expect(await late.heard(FrameKind.refusal)).toMatchObject({ code: 'DLE_CLOSED' });
    expect(logger.at('warn')).toHaveLength(1);
    rpc.close();
    await closing;
  });
});

test('stats count who is there, who was, and who was not let in', async () => {
  const { server, port, rpc } = await connectedPair();
  expect(server.stats()).toEqual({ connections: 1, welcomed: 1, refused: 0 });
  const bad = new RawPeer(port).say(Buffer.alloc(64, 1));
  await bad.closed;
  rpc.close();
  await until(() => server.stats().connections === 0);
  expect(server.stats()).toEqual({ connections: 0, welcomed: 1, refused: 1 });
});

test('a connection that is reset before it is greeted disturbs nobody', async () => {
  const { port, rpc } = await connectedPair();
  for (let round = 0; round < 50; round++) {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    socket.write(encodeFrame(FrameKind.hello, 0, {}).subarray(0, round));
    socket.resetAndDestroy();
  }
  expect((await rpc.request({ n: 1 })).control).toEqual({ n: 1 });
});

test('a port freed by another listener can be taken', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await new Promise((resolve) => other.close(resolve));
  const server = serverAt('127.0.0.1', port);
  expect(await server.listen()).toEqual({ host: '127.0.0.1', port });
  await server.close();
});
