import { DleError } from '@dle/common';
import type { Rpc, TcpClient } from '@dle/net';
import type { Member, PeerHint } from '../membership/member.js';
import { pause } from '../pause.js';
import { type Answer, type Decision, decide } from './decide.js';
import {
  IDENTIFY_TIMEOUT_MS,
  type IdentifyComponents,
  identify,
  identifyingClient,
} from './identify.js';

/** Between two rounds of asking everybody. */
const ROUND_MS = 150;

export interface FormationOptions {
  readonly self: Member;
  readonly peers: readonly PeerHint[];
  /** It never forms a cluster, and waits until it is added to one. */
  readonly joinsOnly: boolean;
}

/**
 * How an empty node finds its cluster: it asks its peers, and those members that call it, who they
 * are, round after round, until `decide` says to form the cluster, to join it, or to give up.
 */
export class Formation {
  readonly #components: IdentifyComponents;
  readonly #options: FormationOptions;
  readonly #peers: readonly { readonly hint: PeerHint; readonly client: TcpClient }[];
  /** Members of a cluster that has this node in its configuration, and not yet the other way. */
  readonly #callers = new Set<Rpc>();
  #ids: readonly number[];
  #reason = 'it has just been started';
  /** What a member has said that knows this node by another data directory. */
  #rejection: DleError | undefined;

  constructor(components: IdentifyComponents, options: FormationOptions) {
    const { self, peers } = options;
    this.#components = components;
    this.#options = options;
    this.#ids = [self.id];
    this.#peers = peers.map((hint) => ({
      hint,
      client: identifyingClient(components, self, hint.address),
    }));
  }

  /** What this node may tell others of the members it has met. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  /** What it waits for. */
  get reason(): string {
    return this.#reason;
  }

  /** A member of some cluster has opened a connection to this node, as to one of its members. */
  called(rpc: Rpc): void {
    this.#callers.add(rpc);
  }

  /** That connection is gone. */
  hungUp(rpc: Rpc, why: DleError): void {
    this.#callers.delete(rpc);
    const reason = why.cause instanceof DleError ? why.cause : why;
    if (reason.code === 'DLE_WIPED_MEMBER') this.#rejection = reason;
  }

  /** Runs until there is a decision other than to wait. Rejects with `DLE_ABORTED`. */
  async run(signal: AbortSignal): Promise<Exclude<Decision, { kind: 'wait' }>> {
    const { self } = this.#options;
    try {
      for (;;) {
        if (signal.aborted) throw new DleError('DLE_ABORTED', 'the node is stopping');
        const decision = decide(self, await this.#askEverybody(signal), this.#options);
        if (decision.kind !== 'wait') return decision;
        if (this.#rejection !== undefined) return { kind: 'refuse', error: this.#rejection };
        this.#ids = decision.ids;
        this.#report(decision.reason);
        await pause(this.#components.clock, ROUND_MS, signal);
      }
    } finally {
      await Promise.all(this.#peers.map(({ client }) => client.close()));
    }
  }

  /** This node takes part now: whoever called one without a cluster calls again, a member. */
  end(): void {
    for (const caller of this.#callers) caller.close();
  }

  #askEverybody(signal: AbortSignal): Promise<Answer[]> {
    const options = { timeoutMs: IDENTIFY_TIMEOUT_MS, signal };
    const peers = this.#peers.map(({ hint, client }) =>
      this.#ask(hint, () => client.connect(options).then((rpc) => identify(rpc, options))),
    );
    const callers = Array.from(this.#callers, (rpc) =>
      this.#ask({ address: rpc.remote }, () => identify(rpc, options)),
    );
    return Promise.all([...peers, ...callers]);
  }

  async #ask(peer: PeerHint, ask: () => Promise<Answer['card']>): Promise<Answer> {
    try {
      return { peer, card: await ask() };
    } catch (thrown) {
      const { code, message } = DleError.from(thrown);
      this.#components.logger.debug({ peer: peer.address, code }, message);
      return { peer };
    }
  }

  /** Said once for each new reason, not in every round. */
  #report(reason: string): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#components.logger.info({ ids: this.#ids }, `not in a cluster yet: ${reason}`);
  }
}
