import type { DleError } from '@dle/common';
import type { Later } from './later.js';
import type { Rpc } from './rpc.js';

/** The first thing said on a connection, by the side that opened it. */
export interface Hello {
  /** Lowest and highest protocol version it speaks. */
  readonly protocol: readonly [number, number];
  /** Decides the limits of the connection: see `limits.ts`. */
  readonly role: 'client' | 'member';
  /** What the connection is for; means something to the acceptor only. */
  readonly lane: string;
  /** From a member: its cluster, if it belongs to one. */
  readonly cluster?: string;
  /** From a member: its own id. */
  readonly node?: number;
  /** From a member: the id of its data directory. */
  readonly instance?: string;
  /** The id of the node it means to reach, if it knows. */
  readonly target?: number;
}

/** The answer to a hello: the chosen protocol version, and who answers. */
export interface Welcome {
  readonly protocol: number;
  readonly node: number;
  readonly instance: string;
  readonly cluster?: string;
}

/**
 * A small map that msgpack carries: strings, numbers, booleans, null, bytes, and arrays and
 * string-keyed maps of them.
 * Integers up to 2^53 - 1 come out as the numbers they went in as; a property that is `undefined`
 * is left out.
 * At most 1 MiB encoded. In a response the property `error` is taken: it says that the request
 * failed.
 */
export type Control = Readonly<Record<string, unknown>>;

/** A control part that takes no bytes, for what is all in the raw part: nobody encodes anything. */
export const EMPTY_CONTROL: Control = Object.freeze({});

/**
 * Bytes that travel as they are. Large parts are not copied: they must not change until the request
 * has settled, or, for a message or an answer, ever.
 */
export type RawParts = Uint8Array | readonly Uint8Array[];

/** What came back for a request. `raw` belongs to whoever receives it. */
export interface Reply {
  readonly control: Control;
  readonly raw: Uint8Array;
}

/** Whoever waits for the response to a request; one of the two is called, once. */
export interface Waiter {
  succeed(reply: Reply): void;
  fail(error: DleError): void;
}

/** What a handler answers. */
export interface Answer {
  readonly control: Control;
  readonly raw?: RawParts;
}

/** What one side does with what the other says. `raw` may be kept: nobody writes to it again. */
export interface RpcHandler {
  /**
   * Answers a request. A DleError thrown (or rejected) crosses the wire with its code, message,
   * retryable and effect;
   * anything else becomes DLE_INTERNAL of unknown effect, and is logged.
   */
  request?(control: Control, raw: Uint8Array, rpc: Rpc): Answer | Later | Promise<Answer>;
  /** Takes a one-way message. What it throws is logged. */
  message?(control: Control, raw: Uint8Array, rpc: Rpc): void;
  /** Called once, when the connection is gone. */
  closed?(rpc: Rpc, reason: DleError): void;
}

/** Decides who may come in. */
export interface Acceptor {
  /**
   * Judges a hello whose form and protocol version are already found good. To refuse, throw a
   * DleError:
   * its code and message are logged and sent to the peer, and the connection is closed.
   */
  hello(hello: Hello, remote: string): Welcome;
  /** The connection is open: says who handles what comes from it. Called before anything does. */
  accepted(rpc: Rpc): RpcHandler;
}
