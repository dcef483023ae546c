import { type Clock, DleError, type Logger, type Random } from '@dle/common';
import type { Sockets } from '@dle/net';
import { DEFAULT_RAFT_CONFIG, type IndexedConfiguration } from '@dle/raft';
import type { Vfs } from '@dle/storage/internal';
import type { Card } from './formation/decide.js';
import type { Member } from './membership/member.js';
import { membershipOf } from './membership/membership.js';
import type { ResolvedOptions } from './options.js';
import { PeerTransport } from './peers/peer-transport.js';
import { type DamageFoundBy, directoryIsGone, type NodeDamage } from './repair/damage.js';
import { type Identity, IdentityKeeper } from './repair/identity.js';
import type { OpenedReplica } from './repair/open-replica.js';
import { Repairs } from './repair/repairs.js';
import { Sparing } from './repair/sparing.js';
import { type Consensus, type CoreTuning, Participation } from './replica/participation.js';
import { Reopening } from './replica/reopening.js';
import type { Replica } from './replica/replica.js';
import type { ReplicaKeeper } from './replica/replica-keeper.js';
import { installSnapshot } from './snapshots/install-snapshot.js';
import { SnapshotReceiver } from './snapshots/snapshot-receiver.js';
import { SnapshotSender } from './snapshots/snapshot-sender.js';

/** Election timeouts for which a removed member can be told that it is: as long as Raft tries to. */
const PARTING_TIMEOUTS = 3;

export interface ClusterPartComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sockets?: Sockets;
  readonly vfs: Vfs;
  readonly keeper: ReplicaKeeper;
  /** Opens the replica that lies in the directory now. */
  readonly open: () => Promise<OpenedReplica>;
}

export interface ClusterPartOptions {
  readonly node: ResolvedOptions;
  readonly self: Member;
  readonly cluster: string;
  readonly directory: string;
  readonly core: CoreTuning | undefined;
  /** As the node found it when it was started. */
  readonly identity: Identity | undefined;
  /** What was damaged then. */
  readonly damage: NodeDamage | undefined;
  readonly card: () => Card;
  /** The member with this id. */
  readonly member: (id: number) => Member | undefined;
  /** A member lets this node not in. */
  readonly refused: (reason: DleError) => void;
  /** Role, term or leader have changed. */
  readonly roleChanged: () => void;
  /** This configuration is in force; entries up to `commit` are committed. */
  readonly reconfigured: (configuration: IndexedConfiguration | undefined, commit: number) => void;
}

/** What a node has when it is in a cluster, and as long as it is. */
export class ClusterPart {
  readonly cluster: string;
  readonly transport: PeerTransport;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;
  readonly repairs: Repairs;
  readonly sparing: Sparing;
  readonly #participation: Participation;
  readonly #reopening: Reopening;
  readonly #identity: IdentityKeeper;
  readonly #components: ClusterPartComponents;
  readonly #options: ClusterPartOptions;
  /** The configuration in force is not known as committed yet. */
  #isToBeCommitted = false;

  constructor(components: ClusterPartComponents, options: ClusterPartOptions) {
    const { keeper } = components;
    const { node, self, cluster, directory, damage } = options;
    const { electionTimeoutMs, heartbeatIntervalMs, logRetentionBytes, segmentSize } = node;
    this.#components = components;
    this.#options = options;
    this.cluster = cluster;
    this.#identity = new IdentityKeeper(components, directory, {
      ...(options.identity?.instance === self.instance && options.identity),
      instance: self.instance,
      cluster,
    });
    this.transport = new PeerTransport(components, {
      self,
      cluster,
      hints: node.peers,
      // Longer, so that a busy machine gets through; what is down mostly says so at once.
      connectTimeoutMs: 2 * electionTimeoutMs,
      partingMs: PARTING_TIMEOUTS * electionTimeoutMs,
      card: options.card,
      refused: options.refused,
    });
    this.sender = new SnapshotSender(
      {
        ...components,
        open: (to) => this.transport.peer(to)?.openForSnapshot(),
        damaged: (error) => this.repairs.notice(error, 'snapshot'),
      },
      { bytesPerSecond: node.snapshotBytesPerSecond },
    );
    this.#participation = new Participation(
      { ...components, transport: this.transport, snapshots: this.sender },
      {
        self,
        electionTimeoutMs,
        heartbeatIntervalMs,
        core: {
          logRetentionBytes,
          maxLogBytes: Math.max(DEFAULT_RAFT_CONFIG.maxLogBytes, 4 * logRetentionBytes),
          ...options.core,
        },
        begun: () => {
          this.#noteConfiguration();
          this.repairs.noticeProgress();
        },
        roleChanged: () => {
          this.#identity.noteTerm(this.consensus?.raft.core.term ?? 0);
          this.sparing.noticeRole();
          this.repairs.noticeProgress();
          options.roleChanged();
        },
        reconfigured: () => this.#noteConfiguration(),
        failed: (error) => void this.#noticeEnd(error, 'apply'),
      },
    );
    const participation = this.#participation;
    const identity = this.#identity;
    const open = (): Promise<Replica> => this.#open();
    this.sparing = new Sparing(
      {
        clock: components.clock,
        consensus: () => this.consensus,
        member: options.member,
        isDamaged: () => this.repairs.damage !== undefined,
      },
      cluster,
    );
    this.#reopening = new Reopening({ ...components, participation, open });
    this.receiver = new SnapshotReceiver(
      {
        ...components,
        raft: () => this.#serving.raft,
        full: () => this.repairs.makeRoom(),
        install: async (importer, floor) => {
          const parts = { keeper, participation, identity, open };
          const isInForce = await installSnapshot(parts, importer, floor);
          if (isInForce) this.repairs.hasReplaced();
          return isInForce;
        },
      },
      { directory, storeId: self.instance, segmentSize },
    );
    const hints = node.peers.map(({ address }) => address);
    this.repairs = new Repairs(
      { ...components, participation, identity, open },
      { directory, self, hints },
      damage,
    );
  }

  /** `undefined` while one replica takes the place of another. */
  get consensus(): Consensus | undefined {
    return this.#participation.consensus;
  }

  /** Takes part from now on. */
  async begin(): Promise<void> {
    const { keeper } = this.#components;
    // On the device before it votes or acknowledges anything.
    await this.#identity.settled;
    this.#identity.watch(this.#components.clock);
    const { log } = keeper.current.store;
    await log.whenFlushed(log.accepted);
    this.#identity.noteSegment(log.lastSegment);
    try {
      await this.#participation.begin(keeper.current);
    } catch (thrown) {
      const error = DleError.from(thrown);
      if (!this.#noticeEnd(error, 'start')) throw error;
    }
  }

  /** A failure, and what is done about it, if anything is. */
  withOutlook(failure: string): string {
    const { outlook } = this.#reopening;
    return outlook === undefined ? failure : `${failure}; ${outlook}`;
  }

  /** There is no replica any more for `error`: whether one is made of what is left, sooner or later. */
  noticeFailure(error: DleError): boolean {
    return this.#reopening.notice(error);
  }

  /** More has been applied. */
  noteApplied(): void {
    if (this.#isToBeCommitted) this.#noteConfiguration();
    this.repairs.noticeProgress();
  }

  /** Another segment of the log has been begun. */
  noteSegment(segment: number): void {
    this.#identity.noteSegment(segment);
  }

  /** Whether what has failed is damage of this node's data, which is being repaired now. */
  noticeDamage(error: DleError, foundBy: DamageFoundBy): boolean {
    return this.repairs.notice(error, foundBy);
  }

  /** Takes no part any more: whoever waits, or asks, is told so. */
  async close(): Promise<void> {
    this.consensus?.raft.stop();
    await this.receiver.close();
    this.#reopening.close();
    await this.repairs.close();
    await this.#participation.close();
  }

  /** When the replica has been closed as well: nothing is written to the directory any more. */
  async end(): Promise<void> {
    await this.#identity.close();
  }

  /** Consensus has ended, or could not begin: whether something is done about that. */
  #noticeEnd(error: DleError, foundBy: DamageFoundBy): boolean {
    const isRepaired = this.repairs.notice(error, foundBy);
    // What is wrong on the disk stays so, and from the rest reads are served meanwhile.
    if (error.code === 'DLE_CORRUPT') return isRepaired;
    return this.#reopening.notice(error) || isRepaired;
  }

  /** Opens the replica that lies in the directory now: this very node's, or none. */
  async #open(): Promise<Replica> {
    const { vfs, open, logger } = this.#components;
    const { directory, self } = this.#options;
    // An empty one would know nothing of what this node has promised.
    if ((await vfs.list(directory)).length === 0) throw directoryIsGone(directory);
    const { replica, damage } = await open();
    const { log } = replica.store;
    try {
      if (log.storeId !== self.instance) throw isOfAnother(directory);
      if (damage !== undefined) {
        this.repairs.hasBegun(damage);
        // It has begun to count segments anew.
        await log.whenFlushed(log.accepted);
        this.#identity.noteSegment(log.lastSegment);
      }
      return replica;
    } catch (thrown) {
      await replica.abandon(logger);
      throw thrown;
    }
  }

  get #serving(): Consensus {
    const { serving } = this.#components.keeper;
    const { consensus } = this;
    if (consensus?.replica === serving) return consensus;
    const message = 'this node does not take part yet; try again';
    throw new DleError('DLE_UNAVAILABLE', message, { retryable: true });
  }

  #noteConfiguration(): void {
    const core = this.consensus?.raft.core;
    if (core === undefined) return;
    const { configuration, commit, term } = core;
    this.#identity.noteTerm(term);
    this.#options.reconfigured(configuration, commit);
    if (configuration === undefined) return;
    this.#isToBeCommitted = configuration.index > commit;
    const { voters, outgoing } = configuration.configuration;
    if (this.#isToBeCommitted || outgoing !== undefined) return;
    const { members = [] } = membershipOf(configuration.configuration) ?? {};
    const addresses = members.map(({ address }) => address);
    this.#identity.noteMembers(voters, addresses);
  }
}

function isOfAnother(directory: string): DleError {
  const message =
    `the files in ${directory} are not those that this node had: put these back; or stop this ` +
    "node, start an empty one under a new id, and give it the place with 'dle member replace'";
  return new DleError('DLE_WIPED_MEMBER', message);
}
