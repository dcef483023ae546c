import type { DleError } from '@dle/common';
import type { Session } from './session.js';
import type { Control, Hello, RawParts, Reply, Waiter, Welcome } from './types.js';

export interface RequestOptions {
  /** How long to wait for the response, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One welcomed connection, seen from either side. Made by TcpServer and TcpClient only. */
export class Rpc {
  /** What the side that connected said of itself. */
  readonly hello: Hello;
  /** What the side that listens answered. */
  readonly welcome: Welcome;
  /** Address of the other side, as `host:port`. */
  readonly remote: string;
  readonly #session: Session;

  constructor(session: Session) {
    this.hello = session.hello;
    this.welcome = session.welcome;
    this.remote = session.remote;
    this.#session = session;
  }

  /** Bytes that wait for the operating system to take them. */
  get bufferedBytes(): number {
    return this.#session.bufferedBytes;
  }

  /** Why the connection is gone; `undefined` while it is open. */
  get closedReason(): DleError | undefined {
    return this.#session.closedReason;
  }

  /**
   * Asks, and waits for the response; many may be under way at once, and answers come in any order.
   * Rejects (never throws) with what the handler of the other side threw, or with
   * - DLE_CONNECTION_LOST, retryable: of effect `none` if the request never left, else `unknown`;
   * - DLE_OVERLOADED, retryable, of effect `none`: too many bytes or requests wait on this
   *   connection;
   * - DLE_TIMEOUT, of effect `unknown`;
   * - DLE_ABORTED: of effect `none` if `signal` was aborted from the beginning, else `unknown`;
   * - DLE_FRAME_TOO_LARGE, DLE_INVALID_ARGUMENT: it cannot be sent.
   */
  request(control: Control, raw?: RawParts, options?: RequestOptions): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.ask(control, raw, { succeed: resolve, fail: reject }, options);
    });
  }

  /** As `request`, for whoever asks too often for a promise each time. */
  ask(
    control: Control,
    raw: RawParts | undefined,
    waiter: Waiter,
    options: RequestOptions = {},
  ): void {
    this.#session.ask(control, raw, waiter, options);
  }

  /**
   * Sends a one-way message; throws what `request` rejects with for one that never left. That it
   * left says nothing about whether it arrived.
   */
  send(control: Control, raw?: RawParts): void {
    this.#session.send(control, raw);
  }

  /** What was sent, or asked, in this turn leaves now, and not when the turn ends. */
  flush(): void {
    this.#session.flush();
  }

  /**
   * Closes the connection; the other side is told the `reason`, if there is one. What is queued has
   * a second to leave, requests under way fail with DLE_CONNECTION_LOST. Does nothing the second
   * time.
   */
  close(reason?: DleError): void {
    this.#session.close(reason);
  }
}
