import { type AddressInfo, connect, createServer } from 'node:net';
import type { Address } from './address.js';

/** What a socket says, and with what. */
export interface SocketEvents {
  /** The connection is open. Only where it was opened from this side. */
  readonly connect: readonly [];
  readonly data: readonly [chunk: Uint8Array];
  /** The other side sends no more. */
  readonly end: readonly [];
  /** It is broken; `close` follows. */
  readonly error: readonly [error: Error];
  /** It is gone, and says nothing any more. */
  readonly close: readonly [];
}

/** A connection, as `node:net` has it, as far as anything here makes use of it. */
export interface Socket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly destroyed: boolean;
  /** Whether it has said `close`. */
  readonly closed: boolean;
  /**
   * `taken` is called once the system has taken the bytes, with an error if it never will; until
   * then they must not change.
   */
  write(bytes: Uint8Array, taken?: (error?: Error | null) => void): boolean;
  /** Keeps what is written until `uncork`, to hand it over at once. */
  cork(): void;
  uncork(): void;
  /** Sends no more than what is written. */
  end(): unknown;
  destroy(error?: Error): unknown;
  /** Says no `data` until `resume`. */
  pause(): unknown;
  resume(): unknown;
  on<Name extends keyof SocketEvents>(
    name: Name,
    listener: (...values: SocketEvents[Name]) => void,
  ): unknown;
  once<Name extends keyof SocketEvents>(
    name: Name,
    listener: (...values: SocketEvents[Name]) => void,
  ): unknown;
  off<Name extends keyof SocketEvents>(
    name: Name,
    listener: (...values: SocketEvents[Name]) => void,
  ): unknown;
}

/** What comes to whoever listens. */
export interface Arrivals {
  arrived(socket: Socket): void;
  /** Somebody could not be let in: there are no file descriptors left, for one. */
  failed(error: Error): void;
}

export interface Listening {
  readonly port: number;
  /** Lets nobody in any more; resolves when all connections that had come are gone. */
  close(): Promise<void>;
}

/**
 * The port for connections. Nothing in dle opens or accepts one but through it, so a simulator can
 * own the network.
 */
export interface Sockets {
  /** Begins to connect: the socket says `connect`, or `error`. What is written leaves at once. */
  connect(address: Address): Socket;
  /** Rejects with the system's error. Port 0 takes a free one. */
  listen(address: Address, arrivals: Arrivals): Promise<Listening>;
}

/** The network of this machine. */
export const nodeSockets: Sockets = {
  connect: ({ host, port }) => connect({ host, port, noDelay: true }),
  listen: ({ host, port }, arrivals) =>
    new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, (socket) => arrivals.arrived(socket));
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        server.on('error', (error) => arrivals.failed(error));
        resolve({
          port: (server.address() as AddressInfo).port,
          close: () => new Promise((closed) => server.close(() => closed())),
        });
      });
    }),
};
