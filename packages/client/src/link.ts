import { type Clock, DleError, isDleError, type Logger, type Random } from '@dle/common';
import {
  PROTOCOL_RANGE,
  type RequestOptions,
  type Rpc,
  type Sockets,
  TcpClient,
  type Waiter,
} from '@dle/net';
import type { Envelope } from './protocol/index.js';

/**
 * How long a node may owe every answer, in milliseconds, before new requests go elsewhere. Longer
 * than a commit takes on a slow disk; about as long as the others need to elect another leader.
 */
const SILENT_AFTER_MS = 2_000;

/**
 * How long a node that has let a request run out of time is passed over, in milliseconds, while
 * others answer: what they say may be that they are no help, and it may only have paused.
 */
const PASSED_OVER_MS = 5_000;

/**
 * A restarting node is back within seconds; a client that finds it late sends others needless hops.
 */
const BACKOFF = { minMs: 50, maxMs: 1_000 };

export interface LinkComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sockets?: Sockets | undefined;
}

/**
 * The connection to one address, made again whenever it is lost, and what is known of whoever
 * answers there.
 */
export class Link {
  readonly address: string;
  readonly #clock: Clock;
  readonly #client: TcpClient;
  #started = false;
  #underWay = 0;
  /** When it last answered, or when it was first asked since it owed nothing. */
  #answeredAt = 0;
  /** Until then it is passed over: it has let a request run out of time, and answered none since. */
  #silentUntil = Number.NEGATIVE_INFINITY;

  /** `connected` is called with every new connection. */
  constructor(components: LinkComponents, address: string, connected: () => void) {
    this.address = address;
    this.#clock = components.clock;
    this.#client = new TcpClient(components, {
      addresses: [address],
      hello: () => ({ protocol: PROTOCOL_RANGE, role: 'client', lane: 'client' }),
      backoff: BACKOFF,
    });
    this.#client.onConnected(() => {
      this.trustAgain();
      connected();
    });
  }

  /** The present connection, if there is one. */
  get rpc(): Rpc | undefined {
    return this.#client.rpc;
  }

  /** Why there is no connection. */
  get lastError(): DleError | undefined {
    return this.#client.lastError;
  }

  /** Whether it is connected, and answers as far as one can tell. */
  isHealthy(now: number): boolean {
    if (this.rpc === undefined || now < this.#silentUntil) return false;
    return this.#underWay === 0 || now - this.#answeredAt < SILENT_AFTER_MS;
  }

  /** Begins to connect, and goes on until closed. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    // Whoever waits is rung for; what this promise says is in `lastError` too.
    this.#client.connect({ timeoutMs: 1 }).catch(() => {});
  }

  /** Somebody else has heard from it: it gets another chance. */
  trustAgain(): void {
    this.#silentUntil = Number.NEGATIVE_INFINITY;
  }

  /**
   * As `Rpc.ask`, over the present connection, if there is one. Whatever `waiter` is told, it has to
   * tell `ended`.
   */
  ask(envelope: Envelope, waiter: Waiter, options: RequestOptions, now: number): void {
    if (this.#underWay++ === 0) this.#answeredAt = now;
    const { rpc } = this;
    if (rpc !== undefined) {
      rpc.ask(envelope.control, envelope.raw, waiter, options);
      return;
    }
    const message = `no connection to ${this.address}`;
    const details = { retryable: true, cause: this.lastError };
    waiter.fail(new DleError('DLE_CONNECTION_LOST', message, details));
  }

  /** A request has been answered, or has failed with `error`. */
  ended(error?: DleError): void {
    this.#underWay--;
    if (isDleError(error, 'DLE_ABORTED')) return;
    const now = this.#clock.now();
    if (isDleError(error, 'DLE_TIMEOUT')) {
      this.#silentUntil = now + PASSED_OVER_MS;
    } else {
      this.#answeredAt = now;
      this.trustAgain();
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
