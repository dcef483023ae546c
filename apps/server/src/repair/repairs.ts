import { DleError, type Logger, toBytes } from '@dle/common';
import { lostDataStates } from '@dle/raft';
import type { Participation } from '../replica/participation.js';
import type { ReplicaKeeper } from '../replica/replica-keeper.js';
import { type DamageFoundBy, isDamage, type NodeDamage } from './damage.js';
import { beginFreshStore, endFreshStore, type FreshStoreComponents } from './fresh-store.js';
import { canBeRepaired, type IdentityKeeper } from './identity.js';
import { CLUSTER_STATE, type OpenedReplica } from './open-replica.js';

export interface RepairsComponents extends FreshStoreComponents {
  readonly logger: Logger;
  readonly keeper: ReplicaKeeper;
  readonly participation: Participation;
  readonly identity: IdentityKeeper;
  readonly open: () => Promise<OpenedReplica>;
}

export interface RepairsOptions {
  readonly directory: string;
  /** Of the node. */
  readonly id: number;
}

/**
 * Has a running node that finds its own data damaged begin anew, as a member that has lost its
 * data, and notices when it is whole again.
 */
export class Repairs {
  readonly #components: RepairsComponents;
  readonly #options: RepairsOptions;
  #damage: NodeDamage | undefined;
  /** Damage that is repaired is one that must not be met again in the meantime. */
  #isReplacing = false;
  #isEnding = false;
  #done = 0;

  constructor(
    components: RepairsComponents,
    options: RepairsOptions,
    damage: NodeDamage | undefined,
  ) {
    this.#components = components;
    this.#options = options;
    this.#damage = damage;
  }

  /** What is being repaired. */
  get damage(): NodeDamage | undefined {
    return this.#damage;
  }

  /** Whether the damaged data is being set aside. */
  get isReplacing(): boolean {
    return this.#isReplacing;
  }

  /** Repairs that have come to their end since the node was started. */
  get done(): number {
    return this.#done;
  }

  /** Something has failed: whether that is damage which is repaired now. */
  notice(error: DleError, foundBy: DamageFoundBy): boolean {
    const { logger, identity } = this.#components;
    if (!isDamage(error)) return false;
    if (this.#isReplacing) return true;
    if (!canBeRepaired(identity.identity, this.#options.id)) {
      logger.error({ code: error.code }, `this node's data is damaged: ${error.message}`);
      return false;
    }
    this.#isReplacing = true;
    this.#damage = { foundBy, message: error.message };
    logger.error({ code: error.code, foundBy }, `damaged, and fetched anew: ${error.message}`);
    this.#beginAnew(error.message).then(
      () => {
        this.#isReplacing = false;
      },
      // The keeper has told the node.
      () => undefined,
    );
    return true;
  }

  /** More has been applied: maybe the node is whole again. */
  noticeProgress(): void {
    const { participation, logger } = this.#components;
    if (this.#damage === undefined || this.#isReplacing || this.#isEnding) return;
    if (participation.consensus?.raft.core.lostData !== false) return;
    this.#isEnding = true;
    this.#end().then(
      () => {
        this.#damage = undefined;
        this.#done++;
        this.#isEnding = false;
        logger.info({}, 'the data is whole again');
      },
      (thrown: unknown) => {
        const { code, message } = DleError.from(thrown);
        logger.warn({ code }, `damaged files are left, and may be deleted: ${message}`);
      },
    );
  }

  async #beginAnew(damage: string): Promise<void> {
    const { keeper, participation, identity, open } = this.#components;
    const { directory } = this.#options;
    await this.#handOver();
    await keeper.replace(participation, 'this node repairs its data', async (old) => {
      const { instance, cluster } = identity.identity;
      const known = old.store.log.localStates();
      const states = lostDataStates(new Map([...known, [CLUSTER_STATE, toBytes(cluster)]]));
      // What it cannot write any more is lost with the rest.
      await old.close().catch(() => undefined);
      identity.noteSegment(0);
      await identity.settled;
      await beginFreshStore(this.#components, directory, { storeId: instance, states }, damage);
      const { replica } = await open();
      return replica;
    });
  }

  /** The others need not wait for an election timeout. */
  #handOver(): Promise<void> {
    const raft = this.#components.participation.consensus?.raft;
    if (raft?.isLeader !== true) return Promise.resolve();
    return new Promise((resolve) => raft.transfer(undefined, () => resolve()));
  }

  async #end(): Promise<void> {
    const { vfs, identity } = this.#components;
    await identity.settled;
    await endFreshStore(vfs, this.#options.directory);
  }
}
