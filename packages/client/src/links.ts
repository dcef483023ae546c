import { parseAddress } from '@dle/net';
import { Bell } from './bell.js';
import { Link, type LinkComponents } from './link.js';
import type { Route } from './route.js';

/**
 * Most addresses learned from nodes, beyond the endpoints one was given. Further ones are not
 * followed; the nodes that name them pass requests on, as they do for every client.
 */
const MAX_LEARNED = 16;

/**
 * All links of a client. The endpoints are connected on first use, all at once: whichever is up
 * first is asked first, so one that is down costs no time, and the others are there when it fails.
 */
export class Links {
  readonly #components: LinkComponents;
  readonly #endpoints: readonly Link[];
  readonly #learned = new Map<string, Link>();
  readonly #borrowed = new Set<Link>();
  /** Rings at every new connection, and at the end. */
  readonly connected: Bell;
  /** Rings at the end. */
  readonly closing: Bell;
  /** To any of the endpoints, whoever is the leader. */
  readonly endpointRoute: Route;
  /**
   * To the leader where it is known, else to an endpoint, which passes on what only the leader can
   * do.
   */
  readonly leaderRoute: Route;
  #leader: Link | undefined;
  /** Which endpoint is asked when the leader is not known. */
  #first: number;
  #closed = false;

  constructor(components: LinkComponents, endpoints: readonly string[], first: number) {
    this.#components = components;
    this.connected = new Bell(components.clock);
    this.closing = new Bell(components.clock);
    this.#endpoints = endpoints.map((address) => this.#open(address));
    this.#first = first;
    this.endpointRoute = {
      links: () => this.#endpoints,
      start: () => this.#start(),
      pick: (now) => this.#pickEndpoint(now),
    };
    this.leaderRoute = {
      links: () => [...this.#endpoints, ...this.#learned.values()],
      start: () => this.#start(),
      pick: (now) => this.#pickLeader(now),
    };
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The link to any address, until it is given back.
   *
   * @throws DleError `DLE_INVALID_ARGUMENT`: not an address
   */
  borrow(address: string): { link: Link; giveBack: () => Promise<void> } {
    const known = this.#find(address);
    if (known !== undefined) return { link: known, giveBack: async () => {} };
    parseAddress(address);
    const link = this.#open(address);
    this.#borrowed.add(link);
    const giveBack = () => {
      this.#borrowed.delete(link);
      return link.close();
    };
    return { link, giveBack };
  }

  /** `link` has answered; `hint` is where it says the leader is, if it is not there itself. */
  follow(link: Link, hint: string | undefined): void {
    if (hint === undefined || hint === link.address) {
      this.#leader = link;
      return;
    }
    if (this.#leader?.address !== hint) this.#leader = this.#find(hint) ?? this.#learn(hint);
    this.#leader?.start();
    this.#leader?.trustAgain();
  }

  /**
   * `link` could not do it: it is not the leader, as far as one knows, and the endpoints behind it
   * are asked first, whichever of those before it are down.
   */
  giveUp(link: Link): void {
    if (this.#leader === link) this.#leader = undefined;
    if (this.#pickEndpoint(this.#components.clock.now()) !== link) return;
    this.#first = (this.#endpoints.indexOf(link) + 1) % this.#endpoints.length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.closing.ring();
    this.connected.ring();
    const links = [...this.leaderRoute.links(), ...this.#borrowed];
    await Promise.all(links.map((link) => link.close()));
  }

  #start(): void {
    for (const link of this.#endpoints) link.start();
  }

  #open(address: string): Link {
    return new Link(this.#components, address, () => this.connected.ring());
  }

  /** The link to an address that is an endpoint or was learned. */
  #find(address: string): Link | undefined {
    return this.#learned.get(address) ?? this.#endpoints.find((link) => link.address === address);
  }

  #pickLeader(now: number): Link | undefined {
    const leader = this.#leader;
    if (leader?.isHealthy(now) === true) return leader;
    return this.#pickEndpoint(now) ?? (leader?.rpc === undefined ? undefined : leader);
  }

  #pickEndpoint(now: number): Link | undefined {
    const count = this.#endpoints.length;
    let lastResort: Link | undefined;
    for (let offset = 0; offset < count; offset++) {
      const link = this.#endpoints[(this.#first + offset) % count]!;
      if (link.isHealthy(now)) return link;
      if (link.rpc !== undefined) lastResort ??= link;
    }
    return lastResort;
  }

  #learn(address: string): Link | undefined {
    if (this.#closed || this.#learned.size >= MAX_LEARNED) return undefined;
    try {
      parseAddress(address);
    } catch {
      return undefined;
    }
    const link = this.#open(address);
    this.#learned.set(address, link);
    return link;
  }
}
