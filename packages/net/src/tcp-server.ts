import { type Clock, DleError, type Logger } from '@dle/common';
import type { Acceptor } from './types.js';

export interface TcpServerComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly acceptor: Acceptor;
}

export interface TcpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Default 4,096. One more is refused with DLE_OVERLOADED. */
  readonly maxConnections?: number;
  /** How long a new connection may take to say hello, in milliseconds. Default 5,000. */
  readonly helloTimeoutMs?: number;
  /** A connection silent for this long is asked for a sign of life; three times this, and it is closed. Default 5,000. */
  readonly keepaliveMs?: number;
  /** Bytes one connection may have waiting to be sent. Default 32 MiB. */
  readonly maxQueuedBytes?: number;
  /** Bytes of requests one connection may have with its handler before no more are read from it. Default 16 MiB. */
  readonly maxHandlingBytes?: number;
  /** How long `close` waits for responses under way, in milliseconds. Default 5,000. */
  readonly closeTimeoutMs?: number;
}

export interface TcpServerStats {
  /** Open now, those that have not said hello included. */
  readonly connections: number;
  readonly accepted: number;
  /** Turned away by the acceptor, for their protocol version, or because there were too many. */
  readonly refused: number;
  /** Closed because what they sent is not a frame. */
  readonly badFrames: number;
}

/** Listens, and makes an Rpc of every connection whose hello is accepted. */
export class TcpServer {
  constructor(_components: TcpServerComponents, _options: TcpServerOptions) {}

  /** Starts to listen. DLE_ADDRESS_IN_USE: another process has the port. */
  listen(): Promise<{ host: string; port: number }> {
    return Promise.reject(new DleError('DLE_INTERNAL', 'not yet'));
  }

  stats(): TcpServerStats {
    return { connections: 0, accepted: 0, refused: 0, badFrames: 0 };
  }

  /** Stops listening, lets responses under way finish for `closeTimeoutMs`, then closes every connection. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
