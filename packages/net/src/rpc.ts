import { DleError } from '@dle/common';
import type { Control, Hello, RawParts, Reply, Welcome } from './types.js';

export interface RequestOptions {
  /** How long to wait for the response, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One welcomed connection, seen from either side. Made by TcpServer and TcpClient only. */
export class Rpc {
  readonly hello: Hello;
  readonly welcome: Welcome;
  /** Address of the other side, as `host:port`. */
  readonly remote: string;

  constructor(hello: Hello, welcome: Welcome, remote: string) {
    this.hello = hello;
    this.welcome = welcome;
    this.remote = remote;
  }

  /** Bytes waiting to be taken by the operating system. */
  get bufferedBytes(): number {
    return 0;
  }

  /** Why the connection is gone; `undefined` while it is open. */
  get closedReason(): DleError | undefined {
    return undefined;
  }

  /**
   * Asks, and waits for the response; many may be under way at once, and answers come in any order.
   * Rejects (never throws) with what the handler threw, or with
   * - DLE_CONNECTION_LOST: effect `none` if the request never left, else `unknown`;
   * - DLE_OVERLOADED: too many bytes or requests are waiting; effect `none`, retryable;
   * - DLE_TIMEOUT, DLE_ABORTED: effect `none` if it never left, else `unknown`;
   * - DLE_FRAME_TOO_LARGE, DLE_INVALID_ARGUMENT: it cannot be sent.
   */
  request(_control: Control, _raw?: RawParts, _options?: RequestOptions): Promise<Reply> {
    return Promise.reject(new DleError('DLE_INTERNAL', 'not yet'));
  }

  /** Sends a one-way message; throws what `request` would reject with for one that never left. */
  send(_control: Control, _raw?: RawParts): void {
    throw new DleError('DLE_INTERNAL', 'not yet');
  }

  /** Closes the connection; the other side is told `reason`. What is under way fails. Does nothing the second time. */
  close(_reason?: DleError): void {}
}
