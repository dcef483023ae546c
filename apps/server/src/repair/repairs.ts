import { DleError, toBytes } from '@dle/common';
import { lostDataStates } from '@dle/raft';
import type { IdentifyComponents } from '../formation/identify.js';
import type { Member } from '../membership/member.js';
import { pause } from '../pause.js';
import type { Participation } from '../replica/participation.js';
import type { Replica } from '../replica/replica.js';
import type { ReplicaKeeper } from '../replica/replica-keeper.js';
import { type DamageFoundBy, isDamage, type NodeDamage } from './damage.js';
import {
  beginFreshStore,
  dropSetAside,
  endFreshStore,
  type FreshStoreComponents,
} from './fresh-store.js';
import { HandOver } from './hand-over.js';
import { canBeRepaired, type IdentityKeeper } from './identity.js';
import { CLUSTER_STATE } from './open-replica.js';
import { askToBeSpared, type Permission } from './sparing.js';

/** Between two tries to be allowed to begin anew, in milliseconds; doubled each time. */
const ASK_AGAIN_MS: readonly [number, number] = [500, 30_000];
/**
 * Before it begins anew for the second time since it was started, in milliseconds; doubled each
 * time: a disk that rots again and again must not keep the others busy.
 */
const REST_MS: readonly [number, number] = [60_000, 3_600_000];

export interface RepairsComponents extends FreshStoreComponents, IdentifyComponents {
  readonly keeper: ReplicaKeeper;
  readonly participation: Participation;
  readonly identity: IdentityKeeper;
  /** Opens the replica that lies in the directory now. */
  readonly open: () => Promise<Replica>;
}

export interface RepairsOptions {
  readonly directory: string;
  readonly self: Member;
  /** More places where members may be reached. */
  readonly hints: readonly string[];
}

/**
 * - `whole`: nothing is known to be damaged;
 * - `asking`: it is, and the node goes on with what it has, until a leader says that the others can
 *   do without that;
 * - `catchingUp`: it has begun anew, as a member that has lost its data.
 */
type Phase = 'whole' | 'asking' | 'catchingUp';

/** Has a running node that finds its own data damaged made whole again by the others. */
export class Repairs {
  readonly #components: RepairsComponents;
  readonly #options: RepairsOptions;
  readonly #closing = new AbortController();
  readonly #handOver: HandOver;
  #phase: Phase;
  #damage: NodeDamage | undefined;
  /** Why it may not begin anew yet. */
  #obstacle: string | undefined;
  #isReplacing = false;
  #isEnding = false;
  /** How often it has begun anew, and when last. */
  #begun = 0;
  #begunAt = Number.NEGATIVE_INFINITY;
  #done = 0;
  /** What begins and what ends a repair is done one after the other. */
  #last: Promise<void> = Promise.resolve();

  /** `damage`: what was found when the node was started, which has begun anew for that. */
  constructor(
    components: RepairsComponents,
    options: RepairsOptions,
    damage: NodeDamage | undefined,
  ) {
    this.#components = components;
    this.#options = options;
    this.#handOver = new HandOver(components.participation);
    this.#damage = damage;
    this.#phase = damage === undefined ? 'whole' : 'catchingUp';
  }

  /** What is damaged, until that has been repaired. */
  get damage(): NodeDamage | undefined {
    return this.#damage;
  }

  /** Why it is not repaired yet; `undefined`: it is being repaired, or nothing is damaged. */
  get obstacle(): string | undefined {
    return this.#obstacle;
  }

  /** Whether the damaged data is being set aside. */
  get isReplacing(): boolean {
    return this.#isReplacing;
  }

  /** Repairs that have come to their end since the node was started. */
  get done(): number {
    return this.#done;
  }

  /**
   * Something of this very node has failed: whether that is damage which is to be repaired. Not for
   * what another node has answered.
   */
  notice(error: DleError, foundBy: DamageFoundBy): boolean {
    const { logger, identity } = this.#components;
    if (!isDamage(error)) return false;
    if (!canBeRepaired(identity.identity, this.#options.self.id)) {
      logger.error({ code: error.code }, `this node's data is damaged: ${error.message}`);
      return false;
    }
    if (this.#isAsking) return true;
    logger.error({ code: error.code, foundBy }, `this node's data is damaged: ${error.message}`);
    this.#phase = 'asking';
    this.#damage = { foundBy, message: error.message };
    this.#inTurn(() => this.#beginAnew(error.message));
    return true;
  }

  /** The replica that was opened now has to catch up from nothing, for what was damaged. */
  hasBegun(damage: string): void {
    this.#phase = 'catchingUp';
    this.#damage ??= { foundBy: 'start', message: damage };
  }

  /** A snapshot has taken the place of all data: what was damaged is not there any more. */
  hasReplaced(): void {
    if (!this.#isAsking) return;
    this.#phase = 'whole';
    this.#damage = undefined;
    this.#obstacle = undefined;
  }

  /** More has been applied: maybe the node is whole again. */
  noticeProgress(): void {
    if (!this.#hasCaughtUp || this.#isEnding) return;
    this.#isEnding = true;
    this.#inTurn(() => this.#end());
  }

  /** The disk is too full for what is to make this node whole: the damaged files go first. */
  makeRoom(): void {
    if (this.#phase !== 'catchingUp') return;
    const { vfs } = this.#components;
    this.#inTurn(() => dropSetAside(vfs, this.#options.directory));
  }

  /** Begins nothing any more; resolves when what it has begun has come to its end. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last;
  }

  get #isAsking(): boolean {
    return this.#phase === 'asking';
  }

  get #hasCaughtUp(): boolean {
    const raft = this.#components.participation.consensus?.raft;
    return this.#phase === 'catchingUp' && raft?.core.lostData === false;
  }

  #inTurn(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((thrown: unknown) => {
      const { code, message } = DleError.from(thrown);
      this.#components.logger.error({ code }, `a repair: ${message}`);
    });
  }

  async #beginAnew(damage: string): Promise<void> {
    const { clock, logger } = this.#components;
    const { signal } = this.#closing;
    const restMs = this.#begun === 0 ? 0 : doubled(REST_MS, this.#begun - 1);
    const earliest = this.#begunAt + restMs;
    for (let tries = 0; this.#isAsking && !signal.aborted; tries++) {
      const restLeftMs = Math.max(0, earliest - clock.now());
      const isEarly = restLeftMs > 0;
      const obstacle = isEarly ? 'it has begun anew a moment ago' : await this.#try(damage);
      if (obstacle === undefined) return;
      if (obstacle !== this.#obstacle) logger.warn({}, `the damage stays for now: ${obstacle}`);
      this.#obstacle = obstacle;
      const pauseMs = isEarly
        ? Math.min(restLeftMs, ASK_AGAIN_MS[1])
        : doubled(ASK_AGAIN_MS, tries);
      await pause(clock, pauseMs, signal);
    }
  }

  /** Why it has to wait; `undefined`: it has begun anew, or need not any more. */
  async #try(damage: string): Promise<string | undefined> {
    if (!(await this.#handOver.begin())) return 'it leads, and nobody else is ready to';
    const permission = await this.#ask();
    if (typeof permission === 'string') return permission;
    if (this.#closing.signal.aborted) return 'the node is stopping';
    if (!this.#isAsking) return undefined;
    const obstacle = await this.#replace(damage);
    if (obstacle !== undefined) {
      // What was opened again may tell of an earlier repair.
      this.#phase = 'asking';
      return obstacle;
    }
    this.#obstacle = undefined;
    this.#begun++;
    this.#begunAt = this.#components.clock.now();
    this.noticeProgress();
    return undefined;
  }

  #ask(): Promise<Permission | string> {
    const { self, hints } = this.#options;
    const { cluster, addresses } = this.#components.identity.identity;
    const places = { cluster, addresses: [...new Set([...addresses, ...hints])] };
    return askToBeSpared(this.#components, self, places);
  }

  /** Why it could not be done. */
  async #replace(damage: string): Promise<string | undefined> {
    const { keeper, participation, open } = this.#components;
    const outcome: { obstacle?: string | undefined } = {};
    this.#isReplacing = true;
    try {
      await keeper.replace(participation, 'this node repairs its data', async (old) => {
        outcome.obstacle = await this.#setAside(old, damage);
        return open();
      });
    } catch (thrown) {
      const { code, message } = DleError.from(thrown);
      if (code === 'DLE_ABORTED') throw thrown;
      // Where it has begun, whoever opens it the next time goes on with it.
      if (this.#isAsking) outcome.obstacle = `it could not be set aside: ${message}`;
    } finally {
      this.#isReplacing = false;
    }
    return outcome.obstacle;
  }

  async #setAside(old: Replica, damage: string): Promise<string | undefined> {
    const { identity, logger } = this.#components;
    const { instance, cluster } = identity.identity;
    const known = old.store.log.localStates();
    const states = lostDataStates(new Map([...known, [CLUSTER_STATE, toBytes(cluster)]]));
    await old.abandon(logger);
    await identity.forgetSegments();
    // That took as long as it took: what was said before need not be so any more.
    const permission = await this.#ask();
    if (typeof permission === 'string') return permission;
    const { directory } = this.#options;
    const store = { storeId: instance, states };
    const { until } = permission;
    const isDone = await beginFreshStore(this.#components, directory, store, damage, until);
    return isDone ? undefined : 'it was too late when it was ready';
  }

  async #end(): Promise<void> {
    const { vfs, identity, logger } = this.#components;
    try {
      if (!this.#hasCaughtUp) return;
      await identity.settled;
      await endFreshStore(vfs, this.#options.directory);
      // More damage may have been met meanwhile.
      if (!this.#hasCaughtUp) return;
      this.#phase = 'whole';
      this.#damage = undefined;
      this.#done++;
      logger.info({}, 'the data is whole again');
    } finally {
      this.#isEnding = false;
    }
  }
}

/** The pause after so many tries, from the first to the longest. */
function doubled([first, most]: readonly [number, number], times: number): number {
  return Math.min(most, first * 2 ** Math.min(times, 32));
}
