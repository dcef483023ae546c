import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { reset } from '../src/testing/reset.js';

let server: Server;
const accepted: Socket[] = [];

beforeEach(async () => {
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const socket of accepted.splice(0)) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

it.each([
  ['nothing is on its way', false],
  ['its end is on its way', true],
])('a reset closes a connection and leaves no handle behind: %s', async (_, ending) => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const errors: Error[] = [];
  socket.on('error', (error) => errors.push(error));
  if (ending) socket.end();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  reset(socket);
  await closed;
  expect(errors).toEqual([]);
});
