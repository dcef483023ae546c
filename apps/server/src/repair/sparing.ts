import { type Clock, DleError } from '@dle/common';
import type { Answer, Control } from '@dle/net';
import {
  IDENTIFY_TIMEOUT_MS,
  type IdentifyComponents,
  identifyingClient,
} from '../formation/identify.js';
import type { Member } from '../membership/member.js';
import { pause } from '../pause.js';
import type { Consensus } from '../replica/participation.js';

/** The op with which a damaged member asks whether the others can do without its data. */
export const SPARE = 'spare';

/** So long an answer counts, from when it was asked for, in milliseconds. */
const VALID_MS = 2_000;
/**
 * So long a leader says no to others when it has said yes to one, and when it has just been
 * elected: longer than any answer counts, and until it has heard what has come of it.
 */
const SETTLES_MS = 2 * VALID_MS;

/** How long a node that is being started asks, in milliseconds: some elections, and starts of others. */
const ASKS_MS = 30_000;
const AGAIN_MS = 1_000;

export interface SparingComponents {
  readonly clock: Clock;
  /** `undefined`: this node takes no part at the moment. */
  readonly consensus: () => Consensus | undefined;
  /** The member with this id. */
  readonly member: (id: number) => Member | undefined;
  /** Whether this node's own data is known to be damaged. */
  readonly isDamaged: () => boolean;
}

/**
 * A leader's side of the repair of others. A member that begins anew is no witness of what is
 * committed until it has caught up: that must not befall so many at once that nobody is left.
 */
export class Sparing {
  readonly #components: SparingComponents;
  readonly #cluster: string;
  /** From when on it may say yes. */
  #settledAt = Number.POSITIVE_INFINITY;
  #wasLeading = false;
  /** Whom it has said yes to last. */
  #spared = 0;

  constructor(components: SparingComponents, cluster: string) {
    this.#components = components;
    this.#cluster = cluster;
  }

  /** The role of this node may be another now. */
  noticeRole(): void {
    const isLeading = this.#components.consensus()?.raft.isLeader === true;
    if (isLeading && !this.#wasLeading) this.#settle(0);
    this.#wasLeading = isLeading;
  }

  /** Answers a member that asks. */
  answer({ node, instance, cluster }: Control): Answer {
    const id = Number(node);
    if (cluster !== this.#cluster || this.#components.member(id)?.instance !== instance) {
      return refusal(`this cluster has no such member`);
    }
    const raft = this.#components.consensus()?.raft;
    if (raft?.isLeader !== true) return refusal('this node does not lead');
    const isSettled = this.#components.clock.now() >= this.#settledAt || this.#spared === id;
    if (!isSettled) return refusal('another member may have begun anew just now');
    // What is damaged here may be whole there alone.
    if (this.#components.isDamaged()) return refusal('the leader is damaged itself');
    if (!raft.core.canSpare(id)) {
      return refusal('too few of the others are up, caught up, and whole');
    }
    this.#settle(id);
    return { control: { spared: true } };
  }

  #settle(spared: number): void {
    this.#spared = spared;
    this.#settledAt = this.#components.clock.now() + SETTLES_MS;
  }
}

/** That the others can do without the data of this node. */
export interface Permission {
  /** It counts no more then, by this node's clock. */
  readonly until: number;
}

/** Asks again and again, for a while. */
export async function awaitPermission(
  components: IdentifyComponents,
  self: Member,
  cluster: { readonly cluster: string; readonly addresses: readonly string[] },
  signal: AbortSignal,
): Promise<Permission | string> {
  const { clock } = components;
  const end = clock.now() + ASKS_MS;
  for (;;) {
    const answer = await askToBeSpared(components, self, cluster);
    if (typeof answer !== 'string' || clock.now() > end) return answer;
    await pause(clock, AGAIN_MS, signal);
    if (signal.aborted) throw new DleError('DLE_ABORTED', 'the node is stopping');
  }
}

/** Asks whoever is at `addresses`. A permission, or why there is none. */
export async function askToBeSpared(
  components: IdentifyComponents,
  self: Member,
  { cluster, addresses }: { readonly cluster: string; readonly addresses: readonly string[] },
): Promise<Permission | string> {
  const until = components.clock.now() + VALID_MS;
  const ask = async (address: string): Promise<Permission | string> => {
    const client = identifyingClient(components, self, address);
    try {
      const rpc = await client.connect({ timeoutMs: IDENTIFY_TIMEOUT_MS });
      const { id: node, instance } = self;
      const request = { op: SPARE, cluster, node, instance };
      const options = { timeoutMs: IDENTIFY_TIMEOUT_MS };
      const { control } = await rpc.request(request, undefined, options);
      return control.spared === true ? { until } : `${address}: ${String(control.reason)}`;
    } catch (thrown) {
      return `${address}: ${DleError.from(thrown).message}`;
    } finally {
      await client.close();
    }
  };
  const asked = addresses.filter((one) => one !== self.address).map(ask);
  return new Promise((resolve) => {
    // It does not count for so long that those who are silent could be waited for.
    for (const answer of asked) {
      void answer.then((one) => typeof one === 'string' || resolve(one));
    }
    void Promise.all(asked).then((all) => resolve(all.join('; ') || 'no other member is known'));
  });
}

function refusal(reason: string): Answer {
  return { control: { spared: false, reason } };
}
