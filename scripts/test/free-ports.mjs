import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port on this machine that is free, as are the `count - 1` after it. */
export async function freePorts(/** @type {number} */ count) {
  for (;;) {
    const first = await listen(0);
    if (first === undefined) continue;
    const base = portOf(first);
    const others = [];
    for (let at = 1; at < count; at++) others.push(await listen(base + at));
    const servers = [first, ...others].filter((server) => server !== undefined);
    for (const server of servers) server.close();
    if (servers.length === count) return base;
  }
}

/** A server on `port`, or on any if it is 0; undefined if somebody else has it. */
export async function listen(/** @type {number} */ port) {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

/** @param {import('node:net').Server} server */
function portOf(server) {
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}
