import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import { type Address, formatAddress, parseAddress } from './address.js';
import { type Backoff, backoffMs } from './backoff.js';
import { type ConnectOptions, ConnectWaiters } from './connect-waiters.js';
import { dial } from './dial.js';
import {
  DEFAULT_KEEPALIVE_MS,
  DEFAULT_MAX_HANDLING_BYTES,
  DEFAULT_MAX_QUEUED_BYTES,
} from './limits.js';
import { Listeners } from './listeners.js';
import { Pause } from './pause.js';
import type { Rpc } from './rpc.js';
import type { Session } from './session.js';
import { nodeSockets, type Sockets } from './sockets.js';
import type { Hello, RpcHandler } from './types.js';

export interface TcpClientComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What to do with what the other side asks or says of itself; without it, its requests fail. */
  readonly handler?: RpcHandler;
  /** Default: those of this machine. */
  readonly sockets?: Sockets | undefined;
}

export interface TcpClientOptions {
  /** `host:port` each, tried in turn. */
  readonly addresses: readonly string[];
  /** Asked before every attempt. */
  readonly hello: () => Hello;
  /** Milliseconds from the first packet to the welcome, for each address. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long to wait after all addresses have failed, or a connection was lost. Default 50 to
   * 2,000.
   */
  readonly backoff?: Backoff;
  /** As for TcpServer. Default 5,000. */
  readonly keepaliveMs?: number;
  /** As for TcpServer. Default 32 MiB. */
  readonly maxQueuedBytes?: number;
  /** As for TcpServer. Default 16 MiB. */
  readonly maxHandlingBytes?: number;
}

const DEFAULTS = {
  connectTimeoutMs: 5_000,
  backoff: { minMs: 50, maxMs: 2_000 },
  keepaliveMs: DEFAULT_KEEPALIVE_MS,
  maxQueuedBytes: DEFAULT_MAX_QUEUED_BYTES,
  maxHandlingBytes: DEFAULT_MAX_HANDLING_BYTES,
};

/**
 * One connection to one of `addresses`, made again whenever it is lost, from the first `connect`
 * until `close`.
 */
export class TcpClient {
  readonly #components: TcpClientComponents;
  readonly #options: TcpClientOptions & typeof DEFAULTS;
  readonly #waiters: ConnectWaiters;
  readonly #pause: Pause;
  readonly #connected: Listeners<[rpc: Rpc]>;
  readonly #disconnected: Listeners<[rpc: Rpc, reason: DleError]>;
  #addresses: readonly Address[];
  #nextAddress = 0;
  /** Attempts and short-lived connections in a row. */
  #failures = 0;
  #rpc: Rpc | undefined;
  #lastError: DleError | undefined;
  #running: Promise<void> | undefined;
  /** Ends the attempt under way. */
  #attempt = new AbortController();
  #closed = false;

  /** DLE_INVALID_ARGUMENT for an address that is none, or no address at all. */
  constructor(components: TcpClientComponents, options: TcpClientOptions) {
    this.#components = components;
    this.#options = { ...DEFAULTS, ...options };
    this.#waiters = new ConnectWaiters(components);
    this.#pause = new Pause(components);
    this.#connected = new Listeners(components);
    this.#disconnected = new Listeners(components);
    this.#addresses = parseAddresses(options.addresses);
  }

  /** The present connection, if there is one. */
  get rpc(): Rpc | undefined {
    return this.#rpc?.closedReason === undefined ? this.#rpc : undefined;
  }

  /**
   * Why there was no connection the last time one was lost or could not be made; `undefined` while
   * there is one.
   */
  get lastError(): DleError | undefined {
    return this.#lastError;
  }

  /**
   * The present connection, or the next one. Starts connecting if that has not begun; that then
   * goes on until `close`.
   * Rejects with DLE_TIMEOUT (`cause` is `lastError`), DLE_ABORTED or DLE_CLOSED, all of effect
   * `none`.
   */
  connect(options: ConnectOptions = {}): Promise<Rpc> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.rpc !== undefined) return Promise.resolve(this.rpc);
    this.#running ??= this.#run();
    return this.#waiters.wait(options, () => this.#lastError);
  }

  /**
   * Calls `listener` with every new connection, before `connect` resolves. Returns how to stop
   * that.
   */
  onConnected(listener: (rpc: Rpc) => void): () => void {
    return this.#connected.add(listener);
  }

  /** Calls `listener` whenever an open connection is lost. Returns how to stop that. */
  onDisconnected(listener: (rpc: Rpc, reason: DleError) => void): () => void {
    return this.#disconnected.add(listener);
  }

  /**
   * Counts from the next attempt on, which is made at once if one is being waited for. The present
   * connection stays.
   * DLE_INVALID_ARGUMENT as for the constructor.
   */
  setAddresses(addresses: readonly string[]): void {
    this.#addresses = parseAddresses(addresses);
    this.#nextAddress = 0;
    this.#pause.end();
  }

  /** Closes the connection and makes no other. What is queued has a second to leave. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiters.rejectAll(closedError());
    this.#attempt.abort(closedError());
    this.#pause.end();
    this.#rpc?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#components;
    const { backoff } = this.#options;
    const pause = this.#pause;
    while (!this.#closed) {
      const session = await this.#tryAll();
      if (session !== undefined) {
        const since = clock.now();
        await this.#keep(session);
        // One that is closed as soon as it is open is a failure, too: it must not be tried again
        // and again.
        if (clock.now() - since >= backoff.maxMs) this.#failures = 0;
      }
      if (!this.#closed) await pause.begin(backoffMs(random, backoff, this.#failures++));
    }
  }

  /** Tries every address once, beginning behind the one tried last, until one welcomes. */
  async #tryAll(): Promise<Session | undefined> {
    for (let tried = 0; tried < this.#addresses.length && !this.#closed; tried++) {
      const address = this.#addresses[this.#nextAddress++ % this.#addresses.length]!;
      const session = await this.#try(address);
      if (session !== undefined) return session;
    }
    return undefined;
  }

  async #try(address: Address): Promise<Session | undefined> {
    const { clock, logger, handler = {}, sockets = nodeSockets } = this.#components;
    const { connectTimeoutMs, keepaliveMs, maxQueuedBytes, maxHandlingBytes } = this.#options;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const cancel = clock.setTimer(() => {
      const message = `${formatAddress(address)} gave no welcome within ${connectTimeoutMs} ms`;
      attempt.abort(new DleError('DLE_TIMEOUT', message, { retryable: true }));
    }, connectTimeoutMs);
    try {
      return await dial(
        { clock, logger, sockets, handlerOf: () => handler },
        {
          address,
          hello: this.#options.hello(),
          signal: attempt.signal,
          keepaliveMs,
          maxQueuedBytes,
          maxHandlingBytes,
        },
      );
    } catch (error) {
      this.#failed(DleError.from(error));
      return undefined;
    } finally {
      cancel();
    }
  }

  /** Offers the connection to everybody until it is gone. */
  async #keep({ rpc, gone }: Session): Promise<void> {
    this.#rpc = rpc;
    this.#lastError = undefined;
    // It may have come in the moment of `close`.
    if (this.#closed) rpc.close();
    this.#components.logger.debug({ remote: rpc.remote }, 'connected');
    this.#connected.call(rpc);
    this.#waiters.resolveAll(rpc);
    const reason = await gone;
    this.#rpc = undefined;
    this.#lastError = reason;
    this.#disconnected.call(rpc, reason);
  }

  /** The same failure again is no news. */
  #failed(error: DleError): void {
    const news = !this.#closed && error.message !== this.#lastError?.message;
    this.#components.logger[news ? 'warn' : 'debug']({ code: error.code }, error.message);
    this.#lastError = error;
  }
}

function parseAddresses(addresses: readonly string[]): readonly Address[] {
  if (addresses.length > 0) return addresses.map(parseAddress);
  throw new DleError('DLE_INVALID_ARGUMENT', 'there must be at least one address to connect to');
}

function closedError(): DleError {
  return new DleError('DLE_CLOSED', 'the client is closed');
}
