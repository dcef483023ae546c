import { type Clock, DleError, type Logger } from '@dle/common';
import {
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_MAX_HANDLING_BYTES,
  DEFAULT_MAX_QUEUED_BYTES,
} from './limits.js';
import { listenError } from './listen-error.js';
import { Reception } from './reception.js';
import { type Listening, nodeSockets, type Socket, type Sockets } from './sockets.js';
import type { Acceptor, Hello, Welcome } from './types.js';

export interface TcpServerComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly acceptor: Acceptor;
  /** Default: those of this machine. */
  readonly sockets?: Sockets | undefined;
}

export interface TcpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Default 4,096. One more is refused with DLE_OVERLOADED. */
  readonly maxConnections?: number;
  /** How long a new connection may take to say hello, in milliseconds. Default 5,000. */
  readonly helloTimeoutMs?: number;
  /**
   * Each side says something at least this often, in milliseconds; two to three times this long
   * without a word, and the connection is closed. Default 5,000.
   */
  readonly keepaliveMs?: number;
  /** Bytes one connection may have waiting to be sent. Default 32 MiB. */
  readonly maxQueuedBytes?: number;
  /**
   * Bytes of requests one connection may have with its handler before no more are read from it.
   * Default 16 MiB.
   */
  readonly maxHandlingBytes?: number;
  /** How long `close` waits for responses under way, in milliseconds. Default 5,000. */
  readonly closeTimeoutMs?: number;
}

export interface TcpServerStats {
  /** Open now, those that have not said hello included. */
  readonly connections: number;
  /** All that were ever welcomed. */
  readonly welcomed: number;
  /** All that were turned away, or left, without a welcome. */
  readonly refused: number;
}

/** Connections turned away for being too many that may wait for the other side to read why. */
const MAX_TURNED_AWAY = 64;

/** Listens, and makes an Rpc of every connection whose hello is accepted. */
export class TcpServer {
  readonly #components: TcpServerComponents & { readonly sockets: Sockets };
  readonly #options: Required<TcpServerOptions>;
  readonly #receptions = new Set<Reception>();
  readonly #turnedAway = new Set<Reception>();
  #listening: Promise<Listening> | undefined;
  #welcomed = 0;
  #refused = 0;
  #closing: Promise<void> | undefined;

  constructor(components: TcpServerComponents, options: TcpServerOptions) {
    const { clock, logger, acceptor, sockets = nodeSockets } = components;
    this.#components = {
      clock,
      logger,
      sockets,
      acceptor: {
        hello: (hello, remote) => this.#hello(acceptor, hello, remote),
        accepted: (rpc) => acceptor.accepted(rpc),
      },
    };
    this.#options = {
      maxConnections: 4_096,
      helloTimeoutMs: 5_000,
      keepaliveMs: DEFAULT_KEEPALIVE_MS,
      maxQueuedBytes: DEFAULT_MAX_QUEUED_BYTES,
      maxHandlingBytes: DEFAULT_MAX_HANDLING_BYTES,
      closeTimeoutMs: 5_000,
      ...options,
    };
  }

  /**
   * Starts to listen; resolves to where. DLE_ADDRESS_IN_USE: another process has the port;
   * DLE_INVALID_ARGUMENT: `host` is not an address of this machine, or the port is not for this
   * user.
   */
  async listen(): Promise<{ host: string; port: number }> {
    const { host, port } = this.#options;
    const { sockets, logger } = this.#components;
    this.#listening = sockets.listen(
      { host, port },
      {
        arrived: (socket) => this.#admit(socket),
        // Those who are connected go on.
        failed: (error) => logger.error({ err: error }, 'a connection could not be accepted'),
      },
    );
    try {
      return { host, port: (await this.#listening).port };
    } catch (thrown) {
      throw listenError(thrown as Error, host, port);
    }
  }

  stats(): TcpServerStats {
    const connections = this.#receptions.size;
    return { connections, welcomed: this.#welcomed, refused: this.#refused };
  }

  /**
   * Stops listening, answers the requests already taken for at most `closeTimeoutMs`, then closes
   * every connection.
   * Resolves when the last one is gone. Requests that were not taken fail on the other side with
   * effect `unknown`.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const stopped = this.#listening?.then(
      (listening) => listening.close(),
      () => {},
    );
    await this.#drained();
    const receptions = [...this.#receptions, ...this.#turnedAway];
    for (const reception of receptions) reception.close(serverClosing());
    await Promise.all([stopped, ...receptions.map((reception) => reception.gone())]);
  }

  async #drained(): Promise<void> {
    const drained: Promise<void>[] = [];
    for (const { session } of this.#receptions) if (session) drained.push(session.drain());
    let cancel: () => void = () => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#components.clock.setTimer(resolve, this.#options.closeTimeoutMs);
    });
    await Promise.race([Promise.all(drained), timeout]);
    cancel();
  }

  #admit(socket: Socket): void {
    if (this.#receptions.size < this.#options.maxConnections) {
      this.#receive(socket, this.#receptions);
    } else if (this.#turnedAway.size < MAX_TURNED_AWAY) {
      this.#receive(socket, this.#turnedAway).refuse(tooMany(this.#options.maxConnections));
    } else {
      this.#refused++;
      socket.destroy();
    }
  }

  #receive(socket: Socket, receptions: Set<Reception>): Reception {
    const reception = new Reception({ ...this.#components, socket }, this.#options);
    receptions.add(reception);
    socket.once('close', () => {
      receptions.delete(reception);
      if (reception.session === undefined) this.#refused++;
    });
    return reception;
  }

  #hello(acceptor: Acceptor, hello: Hello, remote: string): Welcome {
    if (this.#closing !== undefined) throw serverClosing();
    const welcome = acceptor.hello(hello, remote);
    this.#welcomed++;
    return welcome;
  }
}

function serverClosing(): DleError {
  return new DleError('DLE_CLOSED', 'the server is closing', { retryable: true });
}

function tooMany(connections: number): DleError {
  const message = `this node serves ${connections} connections already`;
  return new DleError('DLE_OVERLOADED', message, { retryable: true });
}
