// A server in a process of its own, so that what it keeps in memory is not what the test keeps.
import { silentLogger, systemClock } from '@dle/common';
import { TcpServer } from '@dle/net';

const acceptor = {
  hello: () => ({ protocol: 1, node: 1, instance: 'measured' }),
  accepted: () => ({}),
};
const server = new TcpServer(
  { clock: systemClock, logger: silentLogger, acceptor },
  { host: '127.0.0.1', port: 0 },
);
const { port } = await server.listen();
process.on('disconnect', () => process.exit());
process.on('message', () => {
  globalThis.gc();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  const { connections } = server.stats();
  process.send({ bytes: arrayBuffers + heapUsed, connections });
});
process.send({ port });
