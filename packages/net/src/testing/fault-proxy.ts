import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@dle/common';
import { formatAddress, parseAddress } from '../address.js';
import { type FaultRules, OneWay } from './one-way.js';

export interface FaultProxyOptions {
  /** Where it leads, as `host:port`. */
  readonly target: string;
  /** Where it listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
}

interface Link {
  readonly sockets: readonly Socket[];
  readonly toTarget: OneWay;
  readonly fromTarget: OneWay;
}

/**
 * A TCP proxy for tests: it delays, drops, holds and cuts what passes through it, each direction by its own rules,
 * all connections alike.
 */
export class FaultProxy {
  readonly #clock: Clock;
  readonly #options: Required<FaultProxyOptions>;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #toTarget: FaultRules = {};
  #fromTarget: FaultRules = {};
  #refusing = false;

  constructor(components: { readonly clock: Clock }, options: FaultProxyOptions) {
    this.#clock = components.clock;
    this.#options = { host: '127.0.0.1', port: 0, ...options };
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
      this.#link(socket),
    );
  }

  /** Starts to listen; resolves to its address as `host:port`. */
  listen(): Promise<string> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        resolve(formatAddress({ host, port: (this.#server.address() as AddressInfo).port }));
      });
    });
  }

  /** Open connections through it. */
  get connections(): number {
    return this.#links.size;
  }

  /** From now on, for bytes from the side that connected, on present and later connections. */
  toTarget(rules: FaultRules): void {
    this.#toTarget = rules;
    for (const link of this.#links) link.toTarget.setRules(rules);
  }

  /** From now on, for bytes from the target. */
  fromTarget(rules: FaultRules): void {
    this.#fromTarget = rules;
    for (const link of this.#links) link.fromTarget.setRules(rules);
  }

  /** Both directions; `{}` heals. */
  both(rules: FaultRules): void {
    this.toTarget(rules);
    this.fromTarget(rules);
  }

  /** Resets every connection now. */
  cut(): void {
    for (const { sockets } of this.#links) for (const socket of sockets) socket.resetAndDestroy();
  }

  /** While `true`, new connections are reset as they come. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
  }

  /** Cuts every connection and stops listening. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.cut();
    });
  }

  #link(source: Socket): void {
    if (this.#refusing) {
      source.resetAndDestroy();
      return;
    }
    const { host, port } = parseAddress(this.#options.target);
    const target = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const sockets = [source, target];
    const link = {
      sockets,
      toTarget: new OneWay(this.#clock, source, target, this.#toTarget),
      fromTarget: new OneWay(this.#clock, target, source, this.#fromTarget),
    };
    this.#links.add(link);
    for (const socket of sockets) {
      socket.once('close', () => {
        if (sockets.every(({ destroyed }) => destroyed)) this.#links.delete(link);
      });
    }
  }
}
