import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '@dle/common';
import { formatAddress, parseAddress } from '../address.js';
import { type FaultRules, OneWay } from './one-way.js';
import { reset } from './reset.js';

export interface FaultProxyOptions {
  /** Where it leads, as `host:port`. */
  readonly target: string;
  /** Where it listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /**
   * Tells who connects from the first bytes that come, all that came so far; `undefined`: from more
   * of them.
   * With it, rules can be set for one caller. A connection leads nowhere until its caller is known.
   */
  readonly callerOf?: (bytes: Uint8Array) => string | undefined;
}

/** A caller; `undefined`: whoever has no rules of his own. */
type Caller = string | undefined;

interface Link {
  readonly caller: Caller;
  readonly sockets: readonly Socket[];
  readonly toTarget: OneWay;
  readonly fromTarget: OneWay;
}

const DEFAULTS = { host: '127.0.0.1', port: 0 };

/**
 * A TCP proxy for tests: it delays, drops, holds and cuts what passes through it, each direction by
 * its own rules.
 * Rules are for all connections; those for one `caller` stand for him in their place.
 */
export class FaultProxy {
  readonly #clock: Clock;
  readonly #options: FaultProxyOptions & typeof DEFAULTS;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  /** Sockets whose caller is not yet known. */
  readonly #arriving = new Set<Socket>();
  readonly #toTarget = new Map<Caller, FaultRules>();
  readonly #fromTarget = new Map<Caller, FaultRules>();
  readonly #refusing = new Map<Caller, boolean>();

  constructor(components: { readonly clock: Clock }, options: FaultProxyOptions) {
    this.#clock = components.clock;
    this.#options = { ...DEFAULTS, ...options };
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      const { callerOf } = this.#options;
      if (callerOf === undefined) this.#link(socket, undefined);
      else this.#identify(socket, callerOf);
    });
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
  toTarget(rules: FaultRules, caller?: string): void {
    this.#toTarget.set(caller, rules);
    for (const link of this.#links)
      link.toTarget.setRules(ruleFor(this.#toTarget, link.caller, {}));
  }

  /** From now on, for bytes from the target. */
  fromTarget(rules: FaultRules, caller?: string): void {
    this.#fromTarget.set(caller, rules);
    for (const link of this.#links) {
      link.fromTarget.setRules(ruleFor(this.#fromTarget, link.caller, {}));
    }
  }

  /** Both directions; `{}` heals. */
  both(rules: FaultRules, caller?: string): void {
    this.toTarget(rules, caller);
    this.fromTarget(rules, caller);
  }

  /** Resets every connection now, or those of one caller. */
  cut(caller?: string): void {
    for (const link of this.#links) {
      if (caller !== undefined && link.caller !== caller) continue;
      for (const socket of link.sockets) reset(socket);
    }
    if (caller === undefined) for (const socket of this.#arriving) reset(socket);
  }

  /** While `true`, new connections are reset as they come. */
  refuse(refusing: boolean, caller?: string): void {
    this.#refusing.set(caller, refusing);
  }

  /** Cuts every connection and stops listening. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.cut();
    });
  }

  #identify(source: Socket, callerOf: (bytes: Uint8Array) => string | undefined): void {
    let came: Buffer = Buffer.alloc(0);
    const leave = (): void => {
      source.off('data', look).off('end', giveUp).off('error', giveUp);
      this.#arriving.delete(source);
    };
    const giveUp = (): void => {
      leave();
      source.destroy();
    };
    const look = (chunk: Buffer): void => {
      came = Buffer.concat([came, chunk]);
      const caller = callerOf(came);
      if (caller === undefined) return;
      leave();
      source.pause();
      source.unshift(came);
      this.#link(source, caller);
    };
    this.#arriving.add(source);
    source.on('data', look).on('end', giveUp).on('error', giveUp);
  }

  #link(source: Socket, caller: Caller): void {
    if (ruleFor(this.#refusing, caller, false)) {
      reset(source);
      return;
    }
    const { host, port } = parseAddress(this.#options.target);
    const target = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const sockets = [source, target];
    const toTarget = ruleFor(this.#toTarget, caller, {});
    const fromTarget = ruleFor(this.#fromTarget, caller, {});
    const link = {
      caller,
      sockets,
      toTarget: new OneWay(this.#clock, source, target, toTarget),
      fromTarget: new OneWay(this.#clock, target, source, fromTarget),
    };
    this.#links.add(link);
    for (const socket of sockets) {
      socket.once('close', () => {
        if (sockets.every(({ destroyed }) => destroyed)) this.#links.delete(link);
      });
    }
  }
}

/** The caller's own rule, or else everybody's. */
function ruleFor<Rule>(rules: ReadonlyMap<Caller, Rule>, caller: Caller, none: Rule): Rule {
  return rules.get(caller) ?? rules.get(undefined) ?? none;
}
