import { createServer, type Server, type Socket } from 'node:net';
import { DleError } from '@dle/common';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FrameKind } from '../src/frame.js';
import type { Rpc, TcpClient } from '../src/index.js';
import { encodeFrame } from './support/frames.js';
import { RecordingLogger } from './support/recording-logger.js';
import { VirtualClock } from './support/virtual-clock.js';
import {
  CLIENT_HELLO,
  connectedPair,
  failure,
  makeClient,
  startProxy,
  startServer,
  until,
  WELCOME,
} from './support/world.js';

/** A listener that is no TcpServer: it does with each connection what it is told. */
async function startListener(
  take: (socket: Socket) => void,
  host = '127.0.0.1',
): Promise<{ server: Server; address: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.resume();
    take(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as { port: number };
  return { server, address: `${host.includes(':') ? `[${host}]` : host}:${port}`, sockets };
}

/**
 * Nobody listens at tcpmux, which is long out of use; a port just freed might be somebody else's by
 * now.
 */
const DEAD_ADDRESS = '127.0.0.1:1';

test('a server that dies and comes back at the same address is found again', async () => {
  const first = await startServer();
  const client = makeClient([first.address]);
  const events: string[] = [];
  client.onConnected(() => events.push('connected'));
  client.onDisconnected((_rpc, reason) => events.push(reason.code));
  const rpc = await client.connect();
  await first.server.close();
  await until(() => client.rpc === undefined);
  expect(rpc.closedReason).toMatchObject({ code: 'DLE_CONNECTION_LOST' });
  const second = await startServer({ port: first.port });
  const again = await client.connect();
  expect(again).not.toBe(rpc);
  expect(client.rpc).toBe(again);
  expect(client.lastError).toBeUndefined();
  expect((await again.request({ n: 2 })).control).toEqual({ n: 2 });
  expect(second.rpcs).toHaveLength(1);
  expect(events).toEqual(['connected', 'DLE_CONNECTION_LOST', 'connected']);
});

test('the connection in hand is given at once, and one connection serves all', async () => {
  const { client, rpc, rpcs } = await connectedPair();
  const all = await Promise.all([client.connect(), client.connect(), client.connect()]);
  expect(new Set(all)).toEqual(new Set([rpc]));
  expect(rpcs).toHaveLength(1);
});

test('onConnected comes before connect resolves, and a listener that throws harms nobody', async () => {
  const { address } = await startServer();
  const logger = new RecordingLogger();
  const client = makeClient([address], { logger });
  const events: string[] = [];
  client.onConnected(() => {
    throw new Error('oops');
  });
  const remove = client.onConnected(() => events.push('never'));
  remove();
  client.onConnected((rpc: Rpc) => events.push(`listener ${rpc.welcome.node}`));
  await client.connect().then(() => events.push('connect'));
  expect(events).toEqual(['listener 1', 'connect']);
  expect(logger.at('error')).toHaveLength(1);
});

describe('addresses', () => {
  test('are tried in turn until one answers', async () => {
    const alive = await startServer();
    const clock = new VirtualClock();
    // Without a single tick of the clock: within a round there is no waiting.
    const rpc = await makeClient([DEAD_ADDRESS, DEAD_ADDRESS, alive.address], { clock }).connect();
    expect(rpc.remote).toBe(alive.address);
  });

  test('after a loss the next one is tried first', async () => {
    const [one, two] = [await startServer(), await startServer()];
    const client = makeClient([one.address, two.address]);
    expect((await client.connect()).remote).toBe(one.address);
    one.rpcs[0]!.close();
    await until(() => client.rpc?.remote === two.address);
  });

  test.each(['127.0.0.1', '::1'])(
    'localhost finds a server that listens at %s only',
    async (host) => {
      const { port } = await startServer({ host });
      const rpc = await makeClient([`localhost:${port}`]).connect();
      expect((await rpc.request({ n: 1 })).control).toEqual({ n: 1 });
    },
  );

  test('an IPv6 address in brackets', async () => {
    const { address } = await startServer({ host: '::1' });
    expect(address).toMatch(/^\[::1\]:/);
    expect((await makeClient([address]).connect()).remote).toBe(address);
  });

  test.each([[[]], [['localhost']], [['localhost:9001', 'x']]])(
    '%j is DLE_INVALID_ARGUMENT',
    (addresses) => {
      expect(() => makeClient(addresses)).toThrow(
        expect.objectContaining({ code: 'DLE_INVALID_ARGUMENT' }),
      );
    },
  );

  test('new ones count at once while the client waits to try again', async () => {
    const clock = new VirtualClock();
    const alive = await startServer();
    const client = makeClient([DEAD_ADDRESS], {
      clock,
      backoff: { minMs: 60_000, maxMs: 60_000 },
    });
    const waiting = client.connect();
    await until(() => client.lastError);
    client.setAddresses([alive.address]);
    expect((await waiting).remote).toBe(alive.address);
  });
});

describe('back-off', () => {
  /** So long that it can be told from every other timer. */
  const connectTimeoutMs = 2 ** 30;

  /** Resolves when the client waits to try again; to the timers that are then set. */
  function pausing(client: TcpClient, clock: VirtualClock): Promise<readonly number[]> {
    return until(() => {
      const { delays } = clock;
      const trying = client.rpc !== undefined || delays.some((delayMs) => delayMs > 2 ** 29);
      return !trying && delays.length > 0 ? delays : undefined;
    });
  }

  test('grows with each round that fails, is jittered, capped, and driven by the clock alone', async () => {
    const clock = new VirtualClock();
    let attempts = 0;
    const client = makeClient([DEAD_ADDRESS, DEAD_ADDRESS], {
      clock,
      connectTimeoutMs,
      backoff: { minMs: 100, maxMs: 1_000 },
      hello: () => {
        attempts++;
        return CLIENT_HELLO;
      },
    });
    client.connect({ timeoutMs: 1_000_000 }).catch(() => {});
    const drawn: number[] = [];
    for (let round = 0; round < 12; round++) {
      const [delayMs] = await pausing(client, clock);
      expect(attempts).toBe(2 * (round + 1));
      expect(delayMs).toBeLessThanOrEqual(Math.min(1_000, 100 * 2 ** round));
      drawn.push(delayMs!);
      if (delayMs! > 0) clock.advance(delayMs! - 1);
      expect(attempts).toBe(2 * (round + 1));
      clock.advance(1);
      await until(() => attempts > 2 * (round + 1));
    }
    // From the seed of the client: not all alike, and beyond the first bound.
    expect(new Set(drawn).size).toBeGreaterThan(6);
    expect(Math.max(...drawn)).toBeGreaterThan(400);
  });

  test('a server that welcomes and hangs up is not called again and again without growing pauses', async () => {
    const clock = new VirtualClock();
    const { address, sockets } = await startListener((socket) => {
      socket.end(encodeFrame(FrameKind.welcome, 0, { ...WELCOME }));
    });
    const backoff = { minMs: 1_000, maxMs: 60_000 };
    const client = makeClient([address], { clock, connectTimeoutMs, backoff });
    await client.connect();
    for (let halfSecond = 0; halfSecond < 120; halfSecond++) {
      await pausing(client, clock);
      clock.advance(500);
    }
    // Pauses that do not grow would make it more than a hundred.
    expect(sockets.length).toBeGreaterThan(2);
    expect(sockets.length).toBeLessThan(20);
  });

  test('a connection that has held for a while is tried again soon after its loss', async () => {
    const clock = new VirtualClock();
    const { address, rpcs } = await startServer();
    const backoff = { minMs: 10, maxMs: 1_000 };
    const client = makeClient([address], { clock, connectTimeoutMs, backoff });
    for (let round = 0; round < 10; round++) {
      await client.connect();
      clock.advance(1_000);
      rpcs.at(-1)!.close();
      const [delayMs] = await pausing(client, clock);
      expect(delayMs).toBeLessThanOrEqual(10);
      clock.advance(10);
    }
  });
});

describe('what keeps a connection from being made is visible', () => {
  test('a refusal: DLE_HELLO_REFUSED, caused by what the refuser said; and it is tried again', async () => {
    let refusals = 0;
    const { address } = await startServer({
      hello: () => {
        if (++refusals <= 2) throw new DleError('DLE_FOREIGN_CLUSTER', 'this is cluster c, not d');
        return WELCOME;
      },
    });
    const logger = new RecordingLogger();
    const client = makeClient([address], { logger });
    const connecting = client.connect();
    const error = await until(() => client.lastError);
    expect(error).toMatchObject({ code: 'DLE_HELLO_REFUSED' });
    expect(error.message).toContain('this is cluster c, not d');
    expect(error.cause).toMatchObject({ code: 'DLE_FOREIGN_CLUSTER' });
    await connecting;
    expect(refusals).toBe(3);
    // The same failure twice is one warning.
    expect(logger.at('warn')).toHaveLength(1);
  });

  test('nobody listens: DLE_CONNECTION_LOST, and connect fails in time with that as its cause', async () => {
    const clock = new VirtualClock();
    const client = makeClient([DEAD_ADDRESS], { clock, backoff: { minMs: 500, maxMs: 500 } });
    const connecting = failure(client.connect({ timeoutMs: 200 }));
    const lastError = await until(() => client.lastError);
    expect(lastError).toMatchObject({ code: 'DLE_CONNECTION_LOST' });
    expect(lastError.message).toContain(DEAD_ADDRESS);
    clock.advance(200);
    expect(await connecting).toMatchObject({
      code: 'DLE_TIMEOUT',
      effect: 'none',
      cause: lastError,
    });
  });

  test('a listener that never answers the hello: DLE_TIMEOUT, and the next address', async () => {
    const clock = new VirtualClock();
    const mute = await startListener(() => {});
    const alive = await startServer();
    const client = makeClient([mute.address, alive.address], { clock, connectTimeoutMs: 300 });
    const connecting = client.connect();
    await until(() => mute.sockets.length === 1);
    clock.advance(299);
    expect(client.lastError).toBeUndefined();
    clock.advance(1);
    expect((await connecting).remote).toBe(alive.address);
    await until(() => mute.sockets[0]!.destroyed);
  });

  test.each([
    ['something else than a welcome', encodeFrame(FrameKind.request, 1, {})],
    ['a welcome without a node', encodeFrame(FrameKind.welcome, 0, { protocol: 1, instance: 'i' })],
    [
      'a protocol version nobody asked for',
      encodeFrame(FrameKind.welcome, 0, { protocol: 2, node: 1, instance: 'i' }),
    ],
    ['a banner of another protocol', Buffer.from('220 mail.example.org ESMTP ready for you')],
  ])('%s: DLE_BAD_FRAME', async (_what, answer) => {
    const { address } = await startListener((socket) => socket.write(answer));
    const client = makeClient([address]);
    client.connect().catch(() => {});
    expect(await until(() => client.lastError)).toMatchObject({ code: 'DLE_BAD_FRAME' });
  });

  test('a hello that cannot be made is no unhandled rejection', async () => {
    const { address } = await startServer();
    const client = makeClient([address], {
      hello: () => {
        throw new Error('who am I?');
      },
    });
    client.connect().catch(() => {});
    expect((await until(() => client.lastError)).message).toBe('who am I?');
  });
});

describe('waiting for a connection', () => {
  test('can be aborted; the client goes on trying', async () => {
    const { address } = await startServer();
    const { proxy, address: through } = await startProxy(address);
    proxy.refuse(true);
    const client = makeClient([through]);
    const controller = new AbortController();
    const waiting = failure(client.connect({ signal: controller.signal }));
    controller.abort();
    expect(await waiting).toMatchObject({ code: 'DLE_ABORTED', effect: 'none' });
    proxy.refuse(false);
    const rpc = await until(() => client.rpc);
    expect(await client.connect({ signal: AbortSignal.abort() })).toBe(rpc);
  });

  test('ends with DLE_CLOSED when the client is closed, and so does every later one', async () => {
    const client = makeClient([DEAD_ADDRESS]);
    const waiting = failure(client.connect());
    await client.close();
    expect(await waiting).toMatchObject({ code: 'DLE_CLOSED', effect: 'none' });
    expect(await failure(client.connect())).toMatchObject({ code: 'DLE_CLOSED' });
    await client.close();
  });

  test('keeps the process alive, though between two attempts no socket does; afterwards nothing does', async () => {
    const clock = new VirtualClock();
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const client = makeClient([DEAD_ADDRESS], { clock });
    // The test runner has timers of its own, which come and go: nothing happens in between.
    const before = timers();
    const waiting = failure(client.connect());
    const during = timers();
    expect(during).toBeGreaterThan(before);
    await until(() => client.lastError);
    await client.close();
    await waiting;
    await until(() => timers() < during);
  });
});

describe('close', () => {
  test('sends what is queued, and connects never again', async () => {
    const heard: unknown[] = [];
    const { client, rpc, rpcs } = await connectedPair({
      handler: { message: ({ n }) => heard.push(n) },
    });
    rpc.send({ n: 1 });
    await client.close();
    await until(() => rpcs[0]!.closedReason);
    expect(heard).toEqual([1]);
    expect(client.rpc).toBeUndefined();
    expect(rpcs).toHaveLength(1);
  });

  test('in the middle of an attempt ends it', async () => {
    const mute = await startListener(() => {});
    const client = makeClient([mute.address]);
    client.connect().catch(() => {});
    await until(() => mute.sockets.length === 1);
    await client.close();
    await until(() => mute.sockets[0]!.destroyed);
  });

  test('before anything was begun does nothing', async () => {
    await makeClient(['127.0.0.1:1']).close();
  });
});

test('a connection that is cut in the middle of a frame is lost, and replaced', async () => {
  const { address, rpcs } = await startServer();
  const { proxy, address: through } = await startProxy(address);
  const client = makeClient([through]);
  const rpc = await client.connect();
  proxy.toTarget({ hold: true });
  const asked = failure(rpc.request({}, new Uint8Array(1_000_000)));
  proxy.cut();
  expect(await asked).toMatchObject({ code: 'DLE_CONNECTION_LOST' });
  proxy.both({});
  expect((await (await client.connect()).request({ n: 1 })).control).toEqual({ n: 1 });
  expect(rpcs.length).toBe(2);
});
