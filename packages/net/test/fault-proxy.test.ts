import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { systemClock } from '@dle/common';
import { expect, onTestFinished, test } from 'vitest';
import type { FaultProxy } from '../src/testing/index.js';
import { VirtualClock } from './support/virtual-clock.js';
import { startProxy, until } from './support/world.js';

interface End {
  readonly socket: Socket;
  received: string;
  ended: boolean;
  closed: boolean;
}

function watch(socket: Socket): End {
  const end: End = { socket, received: '', ended: false, closed: false };
  socket.setEncoding('latin1');
  socket.on('data', (text) => {
    end.received += text;
  });
  socket.on('end', () => {
    end.ended = true;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    end.closed = true;
  });
  onTestFinished(() => void socket.destroy());
  return end;
}

/** Both ends of one connection through a proxy. */
async function linked(
  clock: VirtualClock | typeof systemClock = systemClock,
): Promise<{ proxy: FaultProxy; here: End; there: End }> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const { proxy, address } = await startProxy(`127.0.0.1:${port}`, clock);
  const arrived = once(server, 'connection');
  const host = '127.0.0.1';
  const here = connect({ host, port: Number(address.split(':')[1]), allowHalfOpen: true });
  const [there] = (await arrived) as [Socket];
  return { proxy, here: watch(here), there: watch(there) };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('without rules everything passes, both ways, the end included', async () => {
  const { proxy, here, there } = await linked();
  here.socket.write('to');
  there.socket.write('fro');
  await until(() => there.received === 'to' && here.received === 'fro');
  expect(proxy.connections).toBe(1);
  here.socket.end('!');
  await until(() => there.ended);
  expect(there.received).toBe('to!');
  there.socket.end('.');
  await until(() => here.closed);
  expect(here.received).toBe('fro.');
  await until(() => proxy.connections === 0);
});

test('delay passes everything on later, in order, also when the delay shrinks', async () => {
  const clock = new VirtualClock();
  const { proxy, here, there } = await linked(clock);
  proxy.toTarget({ delayMs: 100 });
  here.socket.write('a');
  await until(() => clock.delays.length === 1);
  proxy.toTarget({});
  here.socket.write('b');
  there.socket.write('at once');
  await until(() => here.received === 'at once');
  clock.advance(99);
  await settle();
  expect(there.received).toBe('');
  clock.advance(1);
  await until(() => there.received === 'ab');
});

test('hold keeps everything back, the end of the connection too, until it is mended', async () => {
  const { proxy, here, there } = await linked();
  proxy.both({ hold: true });
  here.socket.end('late');
  await settle();
  expect([there.received, there.ended]).toEqual(['', false]);
  proxy.both({});
  await until(() => there.ended);
  expect(there.received).toBe('late');
});

test('hold in one direction leaves the other open', async () => {
  const { proxy, here, there } = await linked();
  proxy.fromTarget({ hold: true });
  here.socket.write('one way');
  there.socket.write('other way');
  await until(() => there.received === 'one way');
  await settle();
  expect(here.received).toBe('');
});

test('drop makes bytes vanish, and nobody is told', async () => {
  const { proxy, here, there } = await linked();
  proxy.toTarget({ drop: true });
  here.socket.write('lost');
  await settle();
  proxy.toTarget({});
  here.socket.write('found');
  await until(() => there.received !== '');
  expect(there.received).toBe('found');
  expect(here.closed).toBe(false);
});

test('cut resets both ends', async () => {
  const { proxy, here, there } = await linked();
  proxy.cut();
  await until(() => here.closed && there.closed && proxy.connections === 0);
});

test('a reset on one side is a reset on the other', async () => {
  const { here, there } = await linked();
  const reset = once(there.socket, 'error');
  here.socket.resetAndDestroy();
  expect((await reset)[0].code).toBe('ECONNRESET');
});

test('refuse resets new connections and leaves the old ones', async () => {
  const { proxy, here, there } = await linked();
  proxy.refuse(true);
  const second = watch(connect({ host: '127.0.0.1', port: here.socket.remotePort! }));
  await until(() => second.closed);
  here.socket.write('still');
  await until(() => there.received === 'still');
});

test('an end that does not read holds the other up, and not the memory of the proxy', async () => {
  const { here, there } = await linked();
  there.socket.pause();
  here.socket.write(Buffer.alloc(64 * 1024 * 1024));
  await settle();
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 5; round++) await settle();
  expect(here.socket.writableLength).toBeGreaterThan(32 * 1024 * 1024);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  there.socket.resume();
  await until(() => there.received.length === 64 * 1024 * 1024);
});
