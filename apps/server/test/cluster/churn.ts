import type { Client } from '@dle/client';
import { DleError, isDleError } from '@dle/common';
import type { FaultyCluster } from './faulty-cluster.js';

/**
 * - `grow`: a new node is added and promoted.
 * - `shrink`: a member is removed, unless three or fewer are left.
 * - `replace`: a member gives its place to a new node.
 * - `wipe`: a member loses its disk, and is replaced.
 * - `transfer`: somebody else leads.
 */
export type ChurnKind = 'grow' | 'shrink' | 'replace' | 'wipe' | 'transfer';

const LEAST_VOTERS = 3;
/** For one request of a change; a cluster in trouble may take no change at all. */
const REQUEST_TIMEOUT_MS = 4_000;
const FINISH_TIMEOUT_MS = 20_000;

/** Changes the members of a cluster, and who leads it, one change after the other. */
export class Churn {
  readonly #cluster: FaultyCluster;
  readonly #client: Client;
  #last: Promise<unknown> = Promise.resolve();
  /** A member whose disk is gone, and which has yet to be replaced. Never a second one. */
  #lost: { readonly id: number; readonly by: number } | undefined;

  constructor(cluster: FaultyCluster) {
    this.#cluster = cluster;
    this.#client = cluster.processes.client(cluster.endpoints);
  }

  /**
   * Resolves, once it is its turn and it is over, to what has come of it: `ok`, or why not.
   * `findVictim` is asked when it begins.
   */
  carryOut(kind: ChurnKind, findVictim: () => Promise<number>): Promise<string> {
    const outcome = this.#last.then(async () => {
      const victim = await findVictim();
      return `node ${victim}: ${await this.#try(kind, victim)}`;
    });
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  /** Once nothing is broken any more: a lost member is replaced. */
  async finish(): Promise<void> {
    await this.#last;
    const deadline = performance.now() + FINISH_TIMEOUT_MS;
    while (this.#lost !== undefined) {
      const outcome = await this.#outcomeOf(() => this.#replaceLost());
      if (performance.now() > deadline) throw new Error(`a lost member stays: ${outcome}`);
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #try(kind: ChurnKind, victim: number): Promise<string> {
    return this.#outcomeOf(() => {
      switch (kind) {
        case 'grow':
          return this.#grow();
        case 'shrink':
          return this.#shrink(victim);
        case 'replace':
          return this.#replace(victim);
        case 'wipe':
          return this.#wipe(victim);
        case 'transfer':
          return this.#transfer(victim);
      }
    });
  }

  async #outcomeOf(change: () => Promise<string>): Promise<string> {
    try {
      return await change();
    } catch (thrown) {
      if (!isDleError(thrown)) throw thrown;
      const { code, details } = DleError.from(thrown);
      return details?.reason === undefined ? code : `${code} (${details.reason})`;
    }
  }

  async #grow(): Promise<string> {
    const id = await this.#cluster.startSpare();
    if (id === undefined) return 'no node is left';
    // From here on it may be a member, whatever the answer.
    this.#cluster.joins(id);
    await this.#client.addMember(id, this.#cluster.addressOf(id), this.#options);
    await this.#client.promoteMember(id, this.#options);
    return 'ok';
  }

  async #shrink(id: number): Promise<string> {
    const voters = await this.#cluster.voters();
    if (voters.length <= LEAST_VOTERS) return 'too few would be left';
    this.#cluster.mayLeave(id);
    await this.#client.removeMember(id, this.#options);
    this.#cluster.left(id);
    return 'ok';
  }

  async #replace(id: number): Promise<string> {
    const by = await this.#cluster.startSpare();
    if (by === undefined) return 'no node is left';
    this.#cluster.joins(by);
    this.#cluster.mayLeave(id);
    await this.#client.replaceMember(id, by, this.#cluster.addressOf(by), this.#options);
    this.#cluster.left(id);
    return 'ok';
  }

  async #wipe(id: number): Promise<string> {
    if (this.#lost !== undefined) return 'one is lost already';
    const voters = await this.#cluster.voters();
    if (voters.length < LEAST_VOTERS) return 'too few would be left';
    const by = await this.#cluster.startSpare();
    if (by === undefined) return 'no node is left';
    await this.#cluster.wipe(id);
    this.#lost = { id, by };
    return this.#replaceLost();
  }

  async #replaceLost(): Promise<string> {
    const { id, by } = this.#lost!;
    this.#cluster.joins(by);
    await this.#client.replaceMember(id, by, this.#cluster.addressOf(by), this.#options);
    this.#lost = undefined;
    return 'ok';
  }

  async #transfer(target: number): Promise<string> {
    await this.#client.transferLeadership(target, this.#options);
    return 'ok';
  }

  get #options(): { timeoutMs: number } {
    return { timeoutMs: REQUEST_TIMEOUT_MS };
  }
}
