import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import type { Rpc } from './rpc.js';
import type { Hello, RpcHandler } from './types.js';

export interface TcpClientComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What to do with what the other side asks or says of itself; without it, its requests fail. */
  readonly handler?: RpcHandler;
}

export interface Backoff {
  /** The first wait is between 0 and this, in milliseconds; the bound doubles with every failure. */
  readonly minMs: number;
  /** The bound never exceeds this. */
  readonly maxMs: number;
}

export interface TcpClientOptions {
  /** `host:port` each, tried in turn. */
  readonly addresses: readonly string[];
  /** Asked before every attempt. */
  readonly hello: () => Hello;
  /** Milliseconds from the first packet to the welcome, for each address. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Default 50 to 2,000. Full jitter. */
  readonly backoff?: Backoff;
  /** As for TcpServer. Default 5,000. */
  readonly keepaliveMs?: number;
  /** As for TcpServer. Default 32 MiB. */
  readonly maxQueuedBytes?: number;
  /** As for TcpServer. Default 16 MiB. */
  readonly maxHandlingBytes?: number;
}

export interface ConnectOptions {
  /** How long to wait for a connection, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One connection to one of `addresses`, made again whenever it is lost, from the first `connect` until `close`. */
export class TcpClient {
  constructor(_components: TcpClientComponents, _options: TcpClientOptions) {}

  /** The present connection, if there is one. */
  get rpc(): Rpc | undefined {
    return undefined;
  }

  /** Why there was no connection the last time one was lost or could not be made; cleared by a new one. */
  get lastError(): DleError | undefined {
    return undefined;
  }

  /**
   * The present connection, or the next one. Starts connecting if that has not begun, and never stops trying.
   * Rejects with DLE_TIMEOUT (`cause` is `lastError`), DLE_ABORTED or DLE_CLOSED, all of effect `none`.
   */
  connect(_options?: ConnectOptions): Promise<Rpc> {
    return Promise.reject(new DleError('DLE_INTERNAL', 'not yet'));
  }

  /** Calls `listener` with every new connection, before `connect` resolves. Returns how to stop that. */
  onConnected(_listener: (rpc: Rpc) => void): () => void {
    return () => {};
  }

  /** Calls `listener` whenever an open connection is lost. Returns how to stop that. */
  onDisconnected(_listener: (rpc: Rpc, reason: DleError) => void): () => void {
    return () => {};
  }

  /** Counts from the next attempt on, which is made at once if one is being waited for. The present connection stays. */
  setAddresses(_addresses: readonly string[]): void {}

  /** Closes the connection and makes no other. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
