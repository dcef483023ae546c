import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import { type Hello, PROTOCOL_RANGE, type Rpc, type RpcHandler, type Sockets } from '@dle/net';
import { type Message, parseMessage, type Transport } from '@dle/raft';
import type { Card } from '../formation/decide.js';
import { answerIdentify } from '../formation/parse-card.js';
import type { Member, PeerHint } from '../membership/member.js';
import { type Lane, Peer } from './peer.js';

export interface PeerTransportOptions {
  readonly self: Member;
  readonly cluster: string;
  readonly hints: readonly PeerHint[];
  readonly connectTimeoutMs: number;
  /** How long a member that has been removed can still be told so, in milliseconds. */
  readonly partingMs: number;
  /** What this node says of itself to one that it calls, and that has no cluster yet. */
  readonly card: () => Card;
  /** Told why a member lets this node not in. */
  readonly refused: (reason: DleError) => void;
}

/**
 * Carries consensus messages between the members. What cannot be sent now is dropped: Raft asks
 * again.
 */
export class PeerTransport implements Transport {
  readonly #components: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly sockets?: Sockets | undefined;
  };
  readonly #options: PeerTransportOptions;
  readonly #peers = new Map<number, Peer>();
  /** How not to forget those that are no members any more. */
  readonly #parting = new Map<number, () => void>();
  /**
   * Connections that members have opened to this node. A node that has joined but not yet received
   * the configuration knows nobody's address: it answers where it was asked.
   */
  readonly #inbound = new Map<number, Rpc>();
  #receive: (message: Message, entries: Uint8Array) => void = () => {};

  constructor(
    components: {
      readonly clock: Clock;
      readonly random: Random;
      readonly logger: Logger;
      readonly sockets?: Sockets | undefined;
    },
    options: PeerTransportOptions,
  ) {
    this.#components = components;
    this.#options = options;
  }

  onMessage(receive: (message: Message, entries: Uint8Array) => void): void {
    this.#receive = receive;
  }

  peer(id: number): Peer | undefined {
    return this.#peers.get(id);
  }

  /**
   * Connects to exactly these members (this node itself aside); to those that were ones until now,
   * for a while.
   */
  setMembers(members: readonly Member[]): void {
    const wanted = new Map(members.map((member) => [member.id, member]));
    wanted.delete(this.#options.self.id);
    for (const [id, peer] of this.#peers) {
      const member = wanted.get(id);
      if (member === undefined) {
        this.#part(peer);
        continue;
      }
      this.#parting.get(id)?.();
      if (isSame(peer.member, member)) continue;
      this.#forget(peer);
    }
    for (const [id, member] of wanted) {
      if (!this.#peers.has(id)) this.#peers.set(id, this.#connect(member, members));
    }
  }

  send(message: Message, entries?: Uint8Array): void {
    const lane: Lane = entries === undefined ? 'control' : 'log';
    const rpc = this.#peers.get(message.to)?.rpc(lane) ?? this.#inbound.get(message.to);
    if (rpc === undefined) return;
    try {
      rpc.send({ ...message }, entries);
    } catch (thrown) {
      const { code, message: text } = DleError.from(thrown);
      this.#components.logger.debug({ peer: message.to, code }, `message dropped: ${text}`);
    }
  }

  flush(): void {
    for (const peer of this.#peers.values()) peer.flush();
  }

  /** What to do with what comes on a member's connection, whichever side opened it. */
  handler(): RpcHandler {
    return {
      message: (control, raw, rpc) => this.#onMessage(control, raw, rpc),
      request: (control) => answerIdentify(control, this.#options.card()),
    };
  }

  /** A member has opened a connection to this node. */
  addInbound(rpc: Rpc): void {
    const { node, lane } = rpc.hello;
    if (node !== undefined && lane === 'control') this.#inbound.set(node, rpc);
  }

  removeInbound(rpc: Rpc): void {
    const { node } = rpc.hello;
    if (node !== undefined && this.#inbound.get(node) === rpc) this.#inbound.delete(node);
  }

  async close(): Promise<void> {
    for (const cancel of this.#parting.values()) cancel();
    await Promise.all([...this.#peers.values()].map((peer) => peer.close()));
    this.#peers.clear();
  }

  #part(peer: Peer): void {
    const { id } = peer.member;
    if (this.#parting.has(id)) return;
    const forget = (): void => {
      this.#forget(peer);
      this.#hangUp(id);
    };
    const cancel = this.#components.clock.setTimer(forget, this.#options.partingMs);
    this.#parting.set(id, () => {
      this.#parting.delete(id);
      cancel();
    });
  }

  /**
   * One that has not heard of its removal goes on calling, over a connection from before: when it
   * opens another one, it is told why it is not let in.
   */
  #hangUp(id: number): void {
    const message = `node ${id} is no member any more`;
    this.#inbound.get(id)?.close(new DleError('DLE_MEMBER_REMOVED', message));
  }

  #forget(peer: Peer): void {
    const { id } = peer.member;
    this.#parting.get(id)?.();
    this.#peers.delete(id);
    void peer.close();
  }

  #connect(member: Member, members: readonly Member[]): Peer {
    const { hints, self, cluster, connectTimeoutMs, refused } = this.#options;
    // A hint that is some member's known address says nothing new; another may be where this one
    // has moved.
    const known = new Set(members.map(({ address }) => address));
    const alsoAt = hints
      .filter(({ id, address }) => id === member.id || (id === undefined && !known.has(address)))
      .map(({ address }) => address);
    const hello = (lane: Lane): Hello => ({
      protocol: PROTOCOL_RANGE,
      role: 'member',
      lane,
      cluster,
      node: self.id,
      instance: self.instance,
    });
    const components = { ...this.#components, handler: this.handler() };
    return new Peer(components, { member, alsoAt, hello, connectTimeoutMs, refused });
  }

  #onMessage(control: Readonly<Record<string, unknown>>, raw: Uint8Array, rpc: Rpc): void {
    const message = parseMessage(control);
    const { self } = this.#options;
    const sender = rpc.hello.node === self.id ? rpc.welcome.node : rpc.hello.node;
    if (message.to !== self.id || message.from !== sender) {
      throw new DleError(
        'DLE_FORMAT',
        `a message from node ${message.from} to node ${message.to} came to node ${self.id} on ` +
          `the connection of node ${sender}`,
      );
    }
    this.#receive(message, raw);
  }
}

function isSame(one: Member, other: Member): boolean {
  return one.instance === other.instance && one.address === other.address;
}
