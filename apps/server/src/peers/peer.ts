import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import { type Hello, type Rpc, type RpcHandler, type Sockets, TcpClient } from '@dle/net';
import { wipedAdvice } from '../formation/decide.js';
import type { Member } from '../membership/member.js';

/**
 * Each lane is a connection of its own, so that a heartbeat never waits behind megabytes of
 * entries, nor a client's request behind either.
 */
export type Lane = 'control' | 'log' | 'forward' | typeof SNAPSHOT_LANE;

const LANES: readonly Lane[] = ['control', 'log', 'forward'];

/** One that is there only while a snapshot is on its way. */
export const SNAPSHOT_LANE = 'snapshot';

/** A member that came back should be heard well within an election timeout. */
const BACKOFF = { minMs: 20, maxMs: 400 };

/** How often is looked at why a member cannot be reached, in milliseconds. */
const LOOK_MS = 1_000;

/** The connections from this node to one other member. */
export class Peer {
  readonly member: Member;
  readonly #lanes: ReadonlyMap<Lane, TcpClient>;
  readonly #newClient: (lane: Lane) => TcpClient;
  readonly #logger: Logger;
  readonly #refused: (reason: DleError) => void;

  constructor(
    components: {
      readonly clock: Clock;
      readonly random: Random;
      readonly logger: Logger;
      readonly sockets?: Sockets | undefined;
      readonly handler: RpcHandler;
    },
    options: {
      readonly member: Member;
      /**
       * More places to look for it: where it may have moved since the configuration was written.
       */
      readonly alsoAt: readonly string[];
      readonly hello: (lane: Lane) => Hello;
      readonly connectTimeoutMs: number;
      /** Told, again and again, why the member lets this node not in. */
      readonly refused: (reason: DleError) => void;
    },
  ) {
    const { member, alsoAt, hello, connectTimeoutMs, refused } = options;
    this.member = member;
    this.#refused = refused;
    this.#logger = components.logger;
    const addresses = [...new Set([member.address, ...alsoAt])];
    this.#newClient = (lane) => {
      const client = new TcpClient(components, {
        addresses,
        hello: () => ({ ...hello(lane), target: member.id }),
        connectTimeoutMs,
        backoff: BACKOFF,
      });
      client.onConnected((rpc) => this.#checkInstance(rpc));
      return client;
    };
    const open = (lane: Lane): [Lane, TcpClient] => {
      const client = this.#newClient(lane);
      client.onDisconnected(() => void this.#watch(client));
      void this.#watch(client);
      return [lane, client];
    };
    this.#lanes = new Map(LANES.map(open));
  }

  /** The open connection of a lane, if there is one. */
  rpc(lane: Lane): Rpc | undefined {
    return this.#lanes.get(lane)?.rpc;
  }

  /** What consensus has sent it in this turn leaves now. */
  flush(): void {
    this.rpc('log')?.flush();
    this.rpc('control')?.flush();
  }

  /** A connection of its own for a snapshot, made when it is asked for; the caller closes it. */
  openForSnapshot(): TcpClient {
    return this.#newClient(SNAPSHOT_LANE);
  }

  get reachable(): boolean {
    return this.rpc('control') !== undefined;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((client) => client.close()));
  }

  /** It goes on trying, whatever comes of waiting for it. */
  async #watch(client: TcpClient): Promise<void> {
    for (;;) {
      try {
        await client.connect({ timeoutMs: LOOK_MS });
        return;
      } catch (thrown) {
        const { code, message, cause } = DleError.from(thrown);
        if (code === 'DLE_CLOSED') return;
        this.#logger.debug({ peer: this.member.id, code }, message);
        const reason = cause instanceof DleError ? cause.cause : undefined;
        if (reason instanceof DleError) this.#refused(reason);
      }
    }
  }

  /** Who answers under the member's address with another data directory is somebody else. */
  #checkInstance(rpc: Rpc): void {
    const { id, instance, address } = this.member;
    if (rpc.welcome.instance === instance) return;
    const message =
      `node ${id} at ${address} answers with another data directory ` +
      `(instance ${rpc.welcome.instance}, not ${instance}) and is not spoken to. ${wipedAdvice(id)}`;
    this.#logger.error({ peer: id }, message);
    rpc.close(new DleError('DLE_WIPED_MEMBER', message));
  }
}
