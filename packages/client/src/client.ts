import {
  type Clock,
  DleError,
  type Logger,
  type Random,
  randomBelow,
  silentLogger,
  systemClock,
  systemRandom,
} from '@dle/common';
import type { Reply, Sockets } from '@dle/net';
import { type Call, type CallComponents, perform } from './call.js';
import {
  type ClientOptions,
  checkEndpoints,
  checkTimeout,
  DEFAULT_REQUEST_TIMEOUT_MS,
} from './client-options.js';
import { dumpPairs } from './dump.js';
import { KeepAlive } from './keep-alive.js';
import type { Link } from './link.js';
import { Links } from './links.js';
import {
  addMemberRequest,
  delRequest,
  type Envelope,
  getRequest,
  isLeadersRead,
  type NodeStatus,
  type Pair,
  parseChangeResult,
  parseDelResult,
  parseGetResult,
  parsePutResult,
  parseStatus,
  parseTransferResult,
  promoteMemberRequest,
  putRequest,
  type ReadLevel,
  removeMemberRequest,
  replaceMemberRequest,
  statusRequest,
  transferRequest,
} from './protocol/index.js';
import { type Route, routeTo } from './route.js';
import { utf8 } from './utf8.js';

export interface ClientComponents {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Default: the network of this machine. */
  readonly sockets?: Sockets;
}

export interface CallOptions {
  /** How long to try, in milliseconds; `requestTimeoutMs` of the client if absent. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  /** Default `linearizable`. */
  readonly level?: ReadLevel;
}

export interface DumpOptions extends ReadOptions {
  /** The node to ask, as `host:port`; any if absent. */
  readonly endpoint?: string;
}

/** Any bytes; a string stands for its UTF-8. Bytes must not change until the call has settled. */
export type Bytes = Uint8Array | string;

/**
 * A client of a dle cluster. It connects when it is first used, finds the leader and follows it,
 * turns to other nodes where one is down, and tries again what is safe to try again until the time
 * of the call is over.
 *
 * Every call may reject with DleError `DLE_TIMEOUT` (nothing was done; `message` says what every
 * endpoint said), `DLE_ABORTED` (see `effect`), `DLE_CLOSED` or `DLE_INVALID_ARGUMENT`; a put or
 * del also with `DLE_OUTCOME_UNKNOWN`: it may have taken effect, and is never silently sent twice.
 */
export class Client implements AsyncDisposable {
  readonly #components: CallComponents;
  readonly #links: Links;
  readonly #requestTimeoutMs: number;
  readonly #parsePut = ({ control, raw }: Reply, link: Link): { index: number } => {
    const { index, leader } = parsePutResult(control, raw);
    this.#links.follow(link, leader);
    return { index };
  };

  /** @throws DleError `DLE_INVALID_ARGUMENT` */
  constructor(components: ClientComponents, options: ClientOptions) {
    const { clock = systemClock, random = systemRandom, logger = silentLogger } = components;
    const { sockets } = components;
    const endpoints = checkEndpoints(options.endpoints);
    this.#requestTimeoutMs = checkTimeout(options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS);
    // Clients begin at different nodes, so that no node serves all of them while no leader is
    // known.
    const first = randomBelow(random, endpoints.length);
    this.#links = new Links({ clock, random, logger, sockets }, endpoints, first);
    this.#components = { clock, random, links: this.#links, keepAlive: new KeepAlive() };
  }

  /**
   * Stores `value` under `key`, in place of what was there. Resolves once a majority of the cluster
   * has it on disk.
   *
   * @returns `index`: where it stands in the order of all writes
   * @throws DleError `DLE_KEY_TOO_LARGE`, `DLE_VALUE_TOO_LARGE`, `DLE_OUTCOME_UNKNOWN`
   */
  put(key: Bytes, value: Bytes, options: CallOptions = {}): Promise<{ index: number }> {
    const encode = () => putRequest(utf8(key, 'key'), utf8(value, 'value'));
    return this.#call('put', encode, false, this.#links.leaderRoute, this.#parsePut, options);
  }

  /**
   * Deletes `key`. Resolves once a majority of the cluster has it on disk.
   *
   * @returns `existed`: whether there was such a key just before
   * @throws DleError `DLE_KEY_TOO_LARGE`, `DLE_OUTCOME_UNKNOWN`
   */
  del(key: Bytes, options: CallOptions = {}): Promise<{ index: number; existed: boolean }> {
    const encode = () => delRequest(utf8(key, 'key'));
    const parse = ({ control }: Reply, link: Link) => {
      const { index, existed, leader } = parseDelResult(control);
      this.#links.follow(link, leader);
      return { index, existed };
    };
    return this.#call('del', encode, false, this.#links.leaderRoute, parse, options);
  }

  /**
   * The value of `key`, or `undefined` where there is no such key. Whatever its level, but for
   * `stale`, a read sees every write that was acknowledged before it began; the levels `follower` and
   * `stale` are answered by one of the endpoints, and a stale one needs no leader. See `ReadLevel`.
   *
   * @throws DleError `DLE_KEY_TOO_LARGE`
   */
  get(key: Bytes, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    const { level = 'linearizable' } = options;
    const encode = () => getRequest(utf8(key, 'key'), level);
    const parse = ({ control, raw }: Reply, link: Link) => {
      const { value, leader } = parseGetResult(control, raw);
      if (isLeadersRead(level)) this.#links.follow(link, leader);
      return value;
    };
    return this.#call('get', encode, true, this.#route(level), parse, options);
  }

  /**
   * Makes the new, empty node at `address` (`host:port`) a member that gets the log and does not
   * vote yet. Found to be done where it is one already.
   *
   * @returns `index`: of the configuration in the log that says so
   * @throws DleError `DLE_CHANGE_REFUSED` (`details.reason` says why; nothing was changed),
   *   `DLE_OUTCOME_UNKNOWN`: see who is a member, and call again
   */
  addMember(id: number, address: string, options: CallOptions = {}): Promise<{ index: number }> {
    return this.#change('add of a member', addMemberRequest(id, address), options);
  }

  /** Lets a member vote, once it has caught up: until then it is tried again. Else as `addMember`. */
  promoteMember(id: number, options: CallOptions = {}): Promise<{ index: number }> {
    return this.#change('promotion of a member', promoteMemberRequest(id), options);
  }

  /** Removes a member; one that leads hands over first. Else as `addMember`. */
  removeMember(id: number, options: CallOptions = {}): Promise<{ index: number }> {
    return this.#change('removal of a member', removeMemberRequest(id), options);
  }

  /**
   * Gives the place of member `id`, which may be gone for good, to the new, empty node `by` at
   * `address`: adds that, waits until it has caught up, and changes the two in one step. `timeoutMs`
   * holds for each of the two changes. Else as `addMember`; called again, it goes on where it was.
   * Throws `DLE_INVALID_ARGUMENT` if both are one.
   */
  async replaceMember(
    id: number,
    by: number,
    address: string,
    options: CallOptions = {},
  ): Promise<{ index: number }> {
    if (by === id) {
      const message = `node ${id} cannot take its own place: give the new node an id of its own`;
      throw new DleError('DLE_INVALID_ARGUMENT', message);
    }
    await this.addMember(by, address, options);
    return this.#change('replacement of a member', replaceMemberRequest(id, by), options);
  }

  /**
   * Lets another voter lead: `target`, or the one that holds most of the log. Resolves when it
   * does.
   *
   * @returns `node`: the node that leads now
   * @throws DleError `DLE_TRANSFER_FAILED` (`details.reason` says why; the leader leads on, or
   *   another one does), `DLE_OUTCOME_UNKNOWN`
   */
  transferLeadership(target?: number, options: CallOptions = {}): Promise<{ node: number }> {
    const parse = ({ control }: Reply, link: Link) => {
      const { node, leader } = parseTransferResult(control);
      this.#links.follow(link, leader);
      return { node };
    };
    const encode = () => transferRequest(target);
    return this.#call('transfer', encode, false, this.#links.leaderRoute, parse, options);
  }

  /** What a node says of itself and its cluster: the one at `endpoint`, or any. */
  async status(endpoint?: string, options: CallOptions = {}): Promise<NodeStatus> {
    const ask = (route: Route) =>
      this.#call(
        'status',
        statusRequest,
        true,
        route,
        ({ control }) => parseStatus(control),
        options,
      );
    if (endpoint === undefined) return ask(this.#links.leaderRoute);
    const { link, giveBack } = this.#links.borrow(endpoint);
    return ask(routeTo(link)).finally(giveBack);
  }

  /**
   * All keys and their values, as they were at one moment, in no particular order. Pages come from
   * one node as they are consumed, so memory is bounded; whoever stops early lets go of the
   * snapshot there. `timeoutMs` holds for each page.
   *
   * @throws DleError `DLE_CURSOR_LOST`: the node is gone, or has let go of the snapshot; begin
   *   again
   */
  async *dump(options: DumpOptions = {}): AsyncGenerator<Pair, void, undefined> {
    const { level = 'linearizable', endpoint, signal } = options;
    const timeoutMs = this.#timeout(options);
    const borrowed = endpoint === undefined ? undefined : this.#links.borrow(endpoint);
    try {
      const route = borrowed === undefined ? this.#route(level) : routeTo(borrowed.link);
      yield* dumpPairs(this.#components, { level, route, timeoutMs, signal });
    } finally {
      await borrowed?.giveBack();
    }
  }

  /** Ends all connections; calls under way reject. The client is not usable any more. */
  async close(): Promise<void> {
    this.#components.keepAlive.close();
    await this.#links.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #change(name: string, envelope: Envelope, options: CallOptions): Promise<{ index: number }> {
    const parse = ({ control }: Reply, link: Link) => {
      const { index, leader } = parseChangeResult(control);
      this.#links.follow(link, leader);
      return { index };
    };
    return this.#call(name, () => envelope, false, this.#links.leaderRoute, parse, options);
  }

  #call<Result>(
    name: string,
    encode: () => Envelope,
    repeatable: boolean,
    route: Route,
    parse: Call<Result>['parse'],
    options: CallOptions,
  ): Promise<Result> {
    try {
      const envelope = encode();
      const timeoutMs = this.#timeout(options);
      const { signal } = options;
      const call = { name, envelope, repeatable, route, parse, timeoutMs, signal };
      return perform(this.#components, call);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #route(level: ReadLevel): Route {
    return isLeadersRead(level) ? this.#links.leaderRoute : this.#links.endpointRoute;
  }

  #timeout(options: CallOptions): number {
    return options.timeoutMs === undefined
      ? this.#requestTimeoutMs
      : checkTimeout(options.timeoutMs);
  }
}
