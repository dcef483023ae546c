import type { Socket } from 'node:net';

/**
 * Resets a connection. One whose end is still on its way cannot be: libuv refuses that, and Node 20
 * then loses the handle without closing it and hangs at its exit. Such a connection is closed.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
