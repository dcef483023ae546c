import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import { type Hello, PROTOCOL_RANGE, TcpClient } from '@dle/net';
import type { Member, PeerHint } from '../member.js';
import { type Answer, type Decision, decide } from './decide.js';
import { IDENTIFY, parseCard } from './parse-card.js';

/** Between two rounds of asking everybody. */
const ROUND_MS = 150;
/** How long one peer may take to answer. */
const ANSWER_TIMEOUT_MS = 2_000;
/** Lane of the connections that carry nothing but `identify`. */
export const FORMING_LANE = 'forming';

export interface FormationComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * How an empty node finds its cluster: it asks its peers who they are, round after round, until
 * `decide` says to form the cluster, to join it, or to give up.
 */
export class Formation {
  readonly #components: FormationComponents;
  readonly #self: Member;
  readonly #peers: readonly { readonly hint: PeerHint; readonly client: TcpClient }[];
  #ids: readonly number[];
  #lastReason = '';

  constructor(
    components: FormationComponents,
    options: { readonly self: Member; readonly peers: readonly PeerHint[] },
  ) {
    this.#components = components;
    this.#self = options.self;
    this.#ids = [options.self.id];
    this.#peers = options.peers.map((hint) => ({
      hint,
      client: new TcpClient(components, {
        addresses: [hint.address],
        hello: () => this.#hello(),
        connectTimeoutMs: ANSWER_TIMEOUT_MS,
        backoff: { minMs: 50, maxMs: 500 },
      }),
    }));
  }

  /** What this node may tell others of the members it has met. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  /** Runs until there is a decision other than to wait. Rejects with `DLE_ABORTED`. */
  async run(signal: AbortSignal): Promise<Exclude<Decision, { kind: 'wait' }>> {
    try {
      for (;;) {
        if (signal.aborted) throw new DleError('DLE_ABORTED', 'the node is stopping');
        const answers = await Promise.all(
          this.#peers.map(({ hint, client }) => this.#ask(hint, client, signal)),
        );
        const decision = decide(this.#self, answers);
        if (decision.kind !== 'wait') return decision;
        this.#ids = decision.ids;
        this.#report(decision.reason);
        await this.#pause(signal);
      }
    } finally {
      await Promise.all(this.#peers.map(({ client }) => client.close()));
    }
  }

  async #ask(peer: PeerHint, client: TcpClient, signal: AbortSignal): Promise<Answer> {
    try {
      const options = { timeoutMs: ANSWER_TIMEOUT_MS, signal };
      const rpc = await client.connect(options);
      const { control } = await rpc.request({ op: IDENTIFY }, undefined, options);
      return { peer, card: parseCard(control) };
    } catch (thrown) {
      const { code, message } = DleError.from(thrown);
      this.#components.logger.debug({ peer: peer.address, code }, message);
      return { peer };
    }
  }

  /** Said once for each new reason, not in every round. */
  #report(reason: string): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    this.#components.logger.info({ ids: this.#ids }, `forming the cluster: ${reason}`);
  }

  #pause(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#components.clock.setTimer(done, ROUND_MS);
      signal.addEventListener('abort', done);
    });
  }

  #hello(): Hello {
    const { id, instance } = this.#self;
    return {
      protocol: PROTOCOL_RANGE,
      role: 'member',
      lane: FORMING_LANE,
      node: id,
      instance,
    };
  }
}
