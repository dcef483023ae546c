import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '@dle/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FrameKind } from '../src/frame.js';
import { PROTOCOL_RANGE } from '../src/index.js';
import { callerOf, FaultProxy } from '../src/testing/index.js';
import { encodeFrame } from './support/frames.js';

/** Says whatever it hears. */
let echo: Server;
let proxy: FaultProxy;
let port: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
  proxy = new FaultProxy({ clock: systemClock }, { target, callerOf });
  port = Number((await proxy.listen()).split(':')[1]);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

function hello(node: number): Uint8Array {
  const control = { protocol: PROTOCOL_RANGE, role: 'member', lane: 'control', node };
  return encodeFrame(FrameKind.hello, 0, control);
}

function call(first: Uint8Array): Socket {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  sockets.push(socket);
  socket.write(first);
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Waits until as many bytes have come back. */
async function heard(socket: Socket, bytes: number): Promise<Buffer> {
  let all: Buffer = Buffer.alloc(0);
  while (all.length < bytes) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    all = Buffer.concat([all, chunk]);
  }
  return all;
}

describe('a proxy that knows its callers', () => {
  it('passes on what it has read to know them, byte for byte', async () => {
    const bytes = hello(1);
    const socket = call(bytes.subarray(0, 10));
    setImmediate(() => socket.write(bytes.subarray(10)));
    expect(Buffer.compare(await heard(socket, bytes.length), bytes)).toBe(0);
  });

  it.each(['toTarget', 'fromTarget'] as const)(
    'holds one caller %s, and no other, until it is healed',
    async (direction) => {
      proxy[direction]({ hold: true }, '1');
      let silent = true;
      const one = call(hello(1));
      const answer = heard(one, hello(1).length).then(() => {
        silent = false;
      });
      const two = call(hello(2));
      await heard(two, hello(2).length);
      expect(silent).toBe(true);
      proxy[direction]({}, '1');
      await answer;
    },
  );

  it('cuts and refuses one caller, and no other', async () => {
    const [one, two] = [call(hello(1)), call(hello(2))];
    await Promise.all([heard(one, hello(1).length), heard(two, hello(2).length)]);
    proxy.cut('1');
    await closed(one);
    proxy.refuse(true, '1');
    await closed(call(hello(1)));
    two.write('still there');
    expect((await heard(two, 11)).toString()).toBe('still there');
  });

  it('lets strangers and clients through by the rules for all', async () => {
    expect(callerOf(Buffer.from('GET / HTTP/1.1\r\n\r\n'.repeat(3)))).toBe('stranger');
    const client = { protocol: PROTOCOL_RANGE, role: 'client', lane: 'client' };
    expect(callerOf(encodeFrame(FrameKind.hello, 0, client))).toBe('client');
    expect(callerOf(hello(7))).toBe('7');
    expect(callerOf(hello(7).subarray(0, 40))).toBeUndefined();
    proxy.both({ hold: true });
    proxy.both({}, 'client');
    const socket = call(encodeFrame(FrameKind.hello, 0, client));
    await heard(socket, encodeFrame(FrameKind.hello, 0, client).length);
  });
});
