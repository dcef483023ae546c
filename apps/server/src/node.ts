import { join } from 'node:path';
import type { NodeStatus } from '@dle/client/protocol';
import {
  type Clock,
  DleError,
  type Logger,
  type Random,
  randomId,
  silentLogger,
  systemClock,
  systemRandom,
  toBytes,
  toText,
} from '@dle/common';
import { formatAddress, type Sockets, TcpServer } from '@dle/net';
import type { LogStore, LogStoreOptions } from '@dle/storage';
import { NodeVfs, type Vfs } from '@dle/storage/internal';
import { ClientApi } from './api/client-api.js';
import { Excuses } from './api/excuses.js';
import { ClusterPart } from './cluster-part.js';
import type { Card } from './formation/decide.js';
import { Formation } from './formation/formation.js';
import type { Member } from './membership/member.js';
import { firstConfiguration, membershipOf } from './membership/membership.js';
import { Roster } from './membership/roster.js';
import { NodeAcceptor } from './node-acceptor.js';
import { type NodeOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { isDamage } from './repair/damage.js';
import {
  CLUSTER_STATE,
  type OpenedReplica,
  type OpenReplicaOptions,
  openReplica,
} from './repair/open-replica.js';
import type { Consensus, CoreTuning } from './replica/participation.js';
import type { Replica } from './replica/replica.js';
import { ReplicaKeeper } from './replica/replica-keeper.js';
import { nodeStatus } from './status.js';

export interface NodeComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default: the files of this machine. */
  readonly vfs?: Vfs;
  /** Default: the network of this machine. */
  readonly sockets?: Sockets;
  /** What nobody needs to change, and a simulation draws odd values for. */
  readonly tuning?: {
    readonly store?: Omit<LogStoreOptions, 'segmentSize' | 'replicated'>;
    readonly core?: CoreTuning;
  };
}

/**
 * Starts a node: opens its data directory, listens, and goes on to form, join or rejoin its
 * cluster.
 *
 * @throws DleError `DLE_INVALID_ARGUMENT`, `DLE_LOCKED`, `DLE_ADDRESS_IN_USE`, `DLE_CORRUPT`,
 *   `DLE_FORMAT`, `DLE_IO`
 */
export async function createNode(
  options: NodeOptions,
  components: Partial<NodeComponents> = {},
): Promise<DleNode> {
  return DleNode.start(resolveOptions(options), {
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...components,
  });
}

/** One member of a cluster, in this process. */
export class DleNode {
  readonly #options: ResolvedOptions;
  readonly #components: NodeComponents;
  readonly #directory: string;
  readonly #vfs: Vfs;
  readonly #keeper: ReplicaKeeper;
  /** How the node found its replica. */
  readonly #found: OpenedReplica;
  readonly #open: () => Promise<OpenedReplica>;
  readonly #self: Member;
  readonly #server: TcpServer;
  readonly #api: ClientApi;
  readonly #startedAt: number;
  readonly #stopping: AbortController;
  readonly #roster: Roster = new Roster();
  #formation: Formation | undefined;
  #part: ClusterPart | undefined;
  /** Why this node takes no part any more: the others have removed it. */
  #removed: DleError | undefined;
  #joining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #settleClosed!: { resolve: () => void; reject: (error: DleError) => void };

  /** Resolves when the node has been closed; rejects with what forced it to stop. */
  readonly closed: Promise<void>;

  static async start(options: ResolvedOptions, components: NodeComponents): Promise<DleNode> {
    const { vfs = new NodeVfs(), tuning } = components;
    const { id, segmentSize } = options;
    const directory = join(options.dataDir, `node-${id}`);
    const stopping = new AbortController();
    let node: DleNode | undefined;
    const part = (): ClusterPart | undefined => (node === undefined ? undefined : node.#part);
    const openOptions: OpenReplicaOptions = {
      id,
      hints: options.peers.map(({ address }) => address),
      signal: stopping.signal,
      directory,
      store: { ...tuning?.store, segmentSize },
      applied: () => {
        if (node !== undefined) node.#noticeApplied();
      },
      damaged: (error, foundBy) => part()?.noticeDamage(error, foundBy),
      rolled: (segment) => part()?.noteSegment(segment),
    };
    const open = (): Promise<OpenedReplica> => openReplica({ ...components, vfs }, openOptions);
    const found = await open();
    let server: TcpServer | undefined;
    try {
      // Nothing can come in before `listen`, and by then the node is there.
      const acceptor: NodeAcceptor = new NodeAcceptor({
        self: () => node!.#self,
        api: () => node!.#api,
        card: () => node!.#card(),
        cluster: () => node!.#part?.cluster,
        roster: () => ({ roster: node!.#roster, commit: node!.#commit }),
        formation: () => node!.#formation,
        transport: () => node!.#part?.transport,
        snapshots: () => node!.#part?.receiver,
        sparing: () => node!.#part?.sparing,
      });
      const { host, port } = options;
      server = new TcpServer({ ...components, acceptor }, { host, port });
      const bound = await server.listen();
      const address = options.advertise ?? formatAddress({ host, port: bound.port });
      node = new DleNode(options, components, {
        ...{ directory, vfs, found, open, server, address, stopping },
      });
      node.#run();
      return node;
    } catch (thrown) {
      await server?.close();
      await found.replica.close();
      throw thrown;
    }
  }

  private constructor(
    options: ResolvedOptions,
    components: NodeComponents,
    parts: {
      readonly directory: string;
      readonly vfs: Vfs;
      readonly found: OpenedReplica;
      readonly open: () => Promise<OpenedReplica>;
      readonly server: TcpServer;
      readonly address: string;
      readonly stopping: AbortController;
    },
  ) {
    this.#stopping = parts.stopping;
    const { directory, vfs, found, open, server, address } = parts;
    this.#options = options;
    this.#components = components;
    this.#directory = directory;
    this.#vfs = vfs;
    this.#found = found;
    this.#open = open;
    this.#keeper = new ReplicaKeeper(found.replica, (error) => {
      if (this.#part?.noticeFailure(error) !== true) this.#fail(error);
    });
    this.#server = server;
    this.#self = { id: options.id, instance: found.replica.store.log.storeId, address };
    this.#startedAt = components.clock.now();
    this.#api = new ClientApi({
      replica: () => this.#whole,
      consensus: () => {
        if (this.#removed !== undefined) throw this.#removed;
        return this.#keeper.serving && this.#consensus;
      },
      status: () => ({ ...this.status() }),
      excuses: new Excuses({
        self: options.id,
        consensus: () => this.#consensus,
        noticeDamage: (error) => this.#part?.noticeDamage(error, 'read') === true,
        isStopping: () => this.#stopping.signal.aborted,
      }),
    });
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject };
    });
    // Whoever embeds a node may never look at `closed`; the failure is in the log all the same.
    this.closed.catch((error: DleError) => {
      components.logger.error({ code: error.code }, `the node has stopped: ${error.message}`);
    });
  }

  /** `host:port` under which others reach this node. */
  get address(): string {
    return this.#self.address;
  }

  /** What a simulation looks into after each step; it promises nothing to anybody else. */
  get internals(): {
    readonly store: LogStore;
    readonly consensus: Consensus | undefined;
    readonly failure: DleError | undefined;
  } {
    const { store } = this.#keeper.current;
    return { store, consensus: this.#consensus, failure: this.#failure };
  }

  status(): NodeStatus {
    return nodeStatus({
      self: this.#self,
      cluster: this.#part?.cluster,
      members: this.#roster.membership?.members,
      reason: this.#reason(),
      removed: this.#removed !== undefined,
      consensus: this.#consensus,
      replica: this.#keeper.current,
      isReplacing: this.#keeper.isReplacing,
      hasFailed: this.#keeper.failure !== undefined,
      part: this.#part,
      uptimeMs: this.#components.clock.now() - this.#startedAt,
    });
  }

  /** Stops serving, answers everybody who waits, flushes and closes the log. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close().then(
      () => this.#settleClosed.resolve(),
      (thrown: unknown) => this.#settleClosed.reject(DleError.from(thrown)),
    );
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    this.#keeper.current.dumps.closeAll();
    this.#consensus?.raft.stop();
    // What it has begun to do with the log comes to its end first.
    await this.#joining;
    await this.#server.close();
    await this.#part?.close();
    await this.#keeper.close();
    await this.#part?.end();
  }

  #run(): void {
    const { logger } = this.#components;
    const { id, instance, address } = this.#self;
    logger.info({ id, instance, address }, `listening on ${address}`);
    const joined = this.#joinCluster();
    this.#joining = joined.catch(() => undefined);
    joined.catch((thrown: unknown) => {
      const error = DleError.from(thrown);
      if (error.code !== 'DLE_ABORTED' || !this.#stopping.signal.aborted) this.#fail(error);
    });
  }

  /** It cannot go on. */
  #fail(error: DleError): void {
    this.#settleClosed.reject(error);
    void this.close();
  }

  async #joinCluster(): Promise<void> {
    const { log, store } = this.#keeper.current;
    const recovered = await this.#recoveredMembership();
    const joined = store.log.localState(CLUSTER_STATE);
    const cluster = recovered?.cluster ?? (joined && toText(joined));
    if (cluster !== undefined) return this.#takePart(cluster, recovered?.members ?? []);
    const { peers, join: joinsOnly } = this.#options;
    const self = this.#self;
    this.#formation = new Formation(this.#components, { self, peers, joinsOnly });
    const decision = await this.#formation.run(this.#stopping.signal);
    switch (decision.kind) {
      case 'refuse':
        throw decision.error;
      case 'form': {
        const formed = randomId(this.#components.random);
        // Flushed before anybody is told: a crash must not leave two ideas of the first
        // configuration.
        await log.bootstrap(firstConfiguration(formed, decision.members));
        return this.#takePart(formed, decision.members);
      }
      case 'adopt': {
        const sequence = store.log.setLocalState(CLUSTER_STATE, toBytes(decision.cluster));
        await store.log.whenFlushed(sequence);
        return this.#takePart(decision.cluster, decision.members);
      }
    }
  }

  /** As its log says; if that cannot be read, what is known of it beside the log. */
  async #recoveredMembership(): Promise<
    { cluster: string; members: readonly Member[] } | undefined
  > {
    try {
      return membershipOf(await this.#keeper.current.log.latestConfiguration());
    } catch (thrown) {
      const { identity } = this.#found;
      if (identity === undefined || !isDamage(thrown)) throw thrown;
      return { cluster: identity.cluster, members: [] };
    }
  }

  async #takePart(cluster: string, members: readonly Member[]): Promise<void> {
    const { identity, damage } = this.#found;
    const part = new ClusterPart(
      { ...this.#components, vfs: this.#vfs, keeper: this.#keeper, open: this.#open },
      {
        node: this.#options,
        self: this.#self,
        cluster,
        directory: this.#directory,
        core: this.#components.tuning?.core,
        identity,
        damage: damage === undefined ? undefined : { foundBy: 'start', message: damage },
        card: () => this.#card(),
        member: (id) => this.#roster.member(id),
        refused: (reason) => this.#noticeRefusal(reason),
        roleChanged: () => this.#noticeRemoval(),
        reconfigured: (configuration, commit) => {
          this.#roster.follow(configuration, commit);
          const { membership } = this.#roster;
          if (membership !== undefined) part.transport.setMembers(membership.members);
          this.#noticeRemoval();
        },
      },
    );
    this.#part = part;
    await part.begin();
    if (this.#stopping.signal.aborted) return part.close();
    this.#formation?.end();
    this.#formation = undefined;
    if (this.#roster.membership === undefined) part.transport.setMembers(members);
    const ids = members.map(({ id }) => id);
    this.#components.logger.info({ cluster, members: ids }, `in cluster ${cluster}`);
  }

  get #consensus(): Consensus | undefined {
    return this.#part?.consensus;
  }

  /** What keeps it from taking part, if it is in a cluster. */
  get #failure(): DleError | undefined {
    return this.#keeper.failure ?? this.#consensus?.raft.stopped;
  }

  /** The replica, for who asks no other node: not while it lacks what it had. */
  get #whole(): Replica {
    const { serving } = this.#keeper;
    if (!this.#mayLackData) return serving;
    const message = 'this node repairs its data, and lacks some of it; ask another node';
    throw new DleError('DLE_UNAVAILABLE', message, { retryable: true });
  }

  /** Before consensus has begun on a replica, it is not known. */
  get #mayLackData(): boolean {
    const raft = this.#consensus?.raft;
    if (raft !== undefined) return raft.core.lostData;
    return this.#part !== undefined || this.#found.damage !== undefined;
  }

  /** What this node has applied of the log is committed. */
  get #commit(): number {
    return this.#keeper.current.machine.appliedIndex;
  }

  #noticeApplied(): void {
    this.#noticeRemoval();
    this.#part?.noteApplied();
  }

  /** This node's own log says that it has been removed. */
  #noticeRemoval(): void {
    if (!this.#roster.isRemoved(this.#self.id, this.#commit)) return;
    // A leader hands over first. Whoever waits for this very change is to be answered, and the
    // others are to be told of it.
    if (this.#consensus?.raft.isLeader === true) return;
    this.#components.clock.defer(() => this.#leave());
  }

  /** A member does not let this node in. */
  #noticeRefusal(reason: DleError): void {
    if (reason.code === 'DLE_MEMBER_REMOVED') this.#leave();
  }

  /** Takes no part any more, and says so to whoever asks. */
  #leave(): void {
    if (this.#removed !== undefined || this.#stopping.signal.aborted) return;
    const message =
      `node ${this.#self.id} has been removed from cluster ${this.#part?.cluster}: ask another node; ` +
      'stop this one, and do not start it again';
    this.#removed = new DleError('DLE_MEMBER_REMOVED', message, { retryable: true });
    this.#components.logger.warn({ code: this.#removed.code }, message);
    void this.#part?.close();
  }

  /** Why this node takes no part, or no writes. */
  #reason(): string | undefined {
    if (this.#removed !== undefined) return this.#removed.message;
    const failure = this.#failure ?? this.#consensus?.raft.refusal;
    if (failure !== undefined) return this.#part?.withOutlook(failure.message) ?? failure.message;
    const cluster = this.#part?.cluster;
    const isUnknown = cluster !== undefined && this.#roster.membership === undefined;
    if (isUnknown) return `it waits for the leader of cluster ${cluster} to send it the log`;
    return this.#formation?.reason;
  }

  #card(): Card {
    const ids = this.#formation?.ids ?? [this.#self.id];
    const card = { ...this.#self, ids };
    const cluster = this.#part?.cluster;
    if (cluster === undefined) return card;
    const { members, retired } = this.#roster.membership ?? {};
    return { ...card, cluster, members, retired };
  }
}
