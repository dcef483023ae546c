import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { FrameKind, viewed, writeFrameHeader } from '../src/frame.js';
import { FrameParser } from '../src/frame-parser.js';
import { startServer, until } from './support/world.js';

// docs/format.md, "Wire frame". Written out byte by byte: a change here is a change of the
// protocol.
const PUT = [
  ...[0x44, 0x4c, 0x45, 0x57], // magic: DLEW
  1, // version
  4, // kind: request
  ...[32, 0], // headerLength
  ...[0xcd, 0xab, 0, 0], // id
  ...[8, 0, 0, 0], // controlLength
  ...[3, 0, 0, 0], // rawLength
  ...[0xf3, 0x9b, 0x3c, 0x5d], // bodyChecksum
  ...[0, 0, 0, 0], // reserved
  ...[0xa6, 0xf0, 0xc0, 0x12], // headerChecksum
  ...[0x81, 0xa2, 0x6f, 0x70, 0xa3, 0x70, 0x75, 0x74], // { op: 'put' }
  ...[1, 2, 3], // raw
];

// { protocol: [1, 1], role: 'client', lane: 'x' }
const HELLO = Buffer.from(
  '444c455701012000000000002000000000000000c3e30de70000000050577cab' +
    '83a870726f746f636f6c920101a4726f6c65a6636c69656e74a46c616e65a178',
  'hex',
);

// { protocol: 1, node: 1, instance: 'i1', cluster: 'c' }
const WELCOME = Buffer.from(
  '444c4557010220000000000027000000000000006cd65ae500000000e2821dc2' +
    '84a870726f746f636f6c01a46e6f646501a8696e7374616e6365a26931a7636c7573746572a163',
  'hex',
);

test('a request frame has exactly these bytes', () => {
  const bytes = new Uint8Array(32);
  writeFrameHeader(viewed(bytes), 0, {
    kind: FrameKind.request,
    id: 0xabcd,
    controlLength: 8,
    rawLength: 3,
    bodyChecksum: 0x5d3c9bf3,
  });
  expect([...bytes]).toEqual(PUT.slice(0, 32));
});

test('exactly these bytes are read as a request frame', () => {
  const parser = new FrameParser(1024);
  parser.push(Uint8Array.from(PUT));
  expect(parser.next()).toBe(true);
  expect(parser.kind).toBe(FrameKind.request);
  expect(parser.id).toBe(0xabcd);
  expect(parser.control()).toEqual({ op: 'put' });
  expect([...parser.raw()]).toEqual([1, 2, 3]);
  expect(parser.next()).toBe(false);
});

test('the kinds have the numbers of the format', () => {
  expect(FrameKind).toEqual({
    hello: 1,
    welcome: 2,
    refusal: 3,
    request: 4,
    response: 5,
    message: 6,
    ping: 7,
    pong: 8,
  });
});

test('a conversation on a bare socket: these bytes in, those bytes out', async () => {
  const { port } = await startServer();
  const socket = connect({ host: '127.0.0.1', port });
  const received: number[] = [];
  socket.on('data', (chunk) => received.push(...chunk));
  await once(socket, 'connect');
  socket.write(HELLO);
  socket.write(Uint8Array.from(PUT));
  await until(() => received.length >= WELCOME.length + PUT.length);
  const response = [...PUT];
  response[5] = 5; // kind: response; the echo repeats id, control and raw
  response.splice(28, 4, ...[0x72, 0x1a, 0xb3, 0x89]);
  expect(received).toEqual([...WELCOME, ...response]);
  socket.destroy();
});
