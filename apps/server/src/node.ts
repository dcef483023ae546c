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
import { type CoreOptions, DEFAULT_RAFT_CONFIG, RaftLog, RaftNode } from '@dle/raft';
import { LogStore, type LogStoreComponents, type LogStoreOptions } from '@dle/storage';
import { ClientApi, type Consensus } from './api/client-api.js';
import type { Card } from './formation/decide.js';
import { Formation } from './formation/formation.js';
import type { Member } from './membership/member.js';
import { MemberChanges } from './membership/member-changes.js';
import { firstConfiguration, membershipOf } from './membership/membership.js';
import { Roster } from './membership/roster.js';
import { NodeAcceptor } from './node-acceptor.js';
import { type NodeOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { PeerTransport } from './peers/peer-transport.js';
import { nodeStatus } from './status.js';
import { StoreMachine } from './store-machine.js';

/**
 * Local state in which a node that has joined keeps its cluster's id until the configuration
 * reaches it.
 */
const CLUSTER_STATE = 'cluster';
/** Election timeouts for which a removed member can be told that it is: as long as Raft tries to. */
const PARTING_TIMEOUTS = 3;
const MAX_PROPOSAL_BYTES = 64 * 1024 ** 2;

export interface NodeComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Default: the files of this machine. */
  readonly vfs?: NonNullable<LogStoreComponents['vfs']>;
  /** Default: the network of this machine. */
  readonly sockets?: Sockets;
  /** What nobody needs to change, and a simulation draws odd values for. */
  readonly tuning?: {
    readonly store?: Omit<LogStoreOptions, 'segmentSize' | 'replicated'>;
    readonly core?: Partial<Omit<CoreOptions, 'id' | 'electionTimeoutMs' | 'heartbeatIntervalMs'>>;
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
  readonly #store: LogStore;
  readonly #log: RaftLog;
  readonly #machine: StoreMachine;
  readonly #self: Member;
  readonly #server: TcpServer;
  readonly #api: ClientApi;
  readonly #startedAt: number;
  readonly #stopping = new AbortController();
  readonly #roster: Roster = new Roster();
  #formation: Formation | undefined;
  #consensus: Consensus | undefined;
  #cluster: string | undefined;
  /** Why this node takes no part any more: the others have removed it. */
  #removed: DleError | undefined;
  #joining: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #settleClosed!: { resolve: () => void; reject: (error: DleError) => void };

  /** Resolves when the node has been closed; rejects with what forced it to stop. */
  readonly closed: Promise<void>;

  static async start(options: ResolvedOptions, components: NodeComponents): Promise<DleNode> {
    const directory = join(options.dataDir, `node-${options.id}`);
    const { segmentSize } = options;
    const storeOptions = { ...components.tuning?.store, segmentSize, replicated: true };
    const store = await LogStore.open(directory, storeOptions, components);
    let server: TcpServer | undefined;
    try {
      let node: DleNode | undefined;
      // Nothing can come in before `listen`, and by then the node is there.
      const acceptor: NodeAcceptor = new NodeAcceptor({
        self: () => node!.#self,
        api: () => node!.#api,
        card: () => node!.#card(),
        cluster: () => node!.#cluster,
        roster: () => ({ roster: node!.#roster, commit: node!.#commit }),
        formation: () => node!.#formation,
        transport: () => node!.#consensus?.transport,
      });
      const { host, port } = options;
      server = new TcpServer({ ...components, acceptor }, { host, port });
      const bound = await server.listen();
      const address = options.advertise ?? formatAddress({ host, port: bound.port });
      node = new DleNode(options, components, { store, server, address });
      node.#run();
      return node;
    } catch (thrown) {
      await server?.close();
      await store.close();
      throw thrown;
    }
  }

  private constructor(
    options: ResolvedOptions,
    components: NodeComponents,
    parts: { readonly store: LogStore; readonly server: TcpServer; readonly address: string },
  ) {
    const { store, server, address } = parts;
    this.#options = options;
    this.#components = components;
    this.#store = store;
    this.#server = server;
    this.#log = new RaftLog(store.log);
    this.#machine = new StoreMachine(store, () => this.#noticeRemoval());
    this.#self = { id: options.id, instance: store.log.storeId, address };
    this.#startedAt = components.clock.now();
    this.#api = new ClientApi({
      ...components,
      store,
      machine: this.#machine,
      consensus: () => {
        if (this.#removed !== undefined) throw this.#removed;
        return this.#consensus;
      },
      status: () => ({ ...this.status() }),
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
  get internals(): { readonly store: LogStore; readonly consensus: Consensus | undefined } {
    return { store: this.#store, consensus: this.#consensus };
  }

  status(): NodeStatus {
    return nodeStatus({
      self: this.#self,
      cluster: this.#cluster,
      members: this.#roster.membership?.members,
      reason: this.#reason(),
      removed: this.#removed !== undefined,
      consensus: this.#consensus,
      store: this.#store,
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
    this.#api.close();
    this.#consensus?.raft.stop();
    // What it has begun to do with the log comes to its end first.
    await this.#joining;
    await this.#server.close();
    await this.#consensus?.transport.close();
    await this.#store.close();
  }

  #run(): void {
    const { logger } = this.#components;
    const { id, instance, address } = this.#self;
    logger.info({ id, instance, address }, `listening on ${address}`);
    const joined = this.#joinCluster();
    this.#joining = joined.catch(() => undefined);
    joined.catch((thrown: unknown) => {
      const error = DleError.from(thrown);
      if (error.code === 'DLE_ABORTED' && this.#stopping.signal.aborted) return;
      this.#settleClosed.reject(error);
      void this.close();
    });
  }

  async #joinCluster(): Promise<void> {
    const recovered = membershipOf(await this.#log.latestConfiguration());
    const joined = this.#store.log.localState(CLUSTER_STATE);
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
        await this.#log.bootstrap(firstConfiguration(formed, decision.members));
        return this.#takePart(formed, decision.members);
      }
      case 'adopt': {
        const { log } = this.#store;
        const sequence = log.setLocalState(CLUSTER_STATE, toBytes(decision.cluster));
        await log.whenFlushed(sequence);
        return this.#takePart(decision.cluster, decision.members);
      }
    }
  }

  async #takePart(cluster: string, members: readonly Member[]): Promise<void> {
    const { clock, random, logger, tuning } = this.#components;
    const { electionTimeoutMs, heartbeatIntervalMs, peers } = this.#options;
    const self = this.#self;
    const transport = new PeerTransport(this.#components, {
      self,
      cluster,
      hints: peers,
      // Longer, so that a busy machine gets through; what is down mostly says so at once.
      connectTimeoutMs: 2 * electionTimeoutMs,
      partingMs: PARTING_TIMEOUTS * electionTimeoutMs,
      card: () => this.#card(),
      refused: (reason) => this.#noticeRefusal(reason),
    });
    const raft = await RaftNode.start(
      { log: this.#log, transport, stateMachine: this.#machine, clock, random, logger },
      {
        ...DEFAULT_RAFT_CONFIG,
        id: this.#self.id,
        electionTimeoutMs,
        heartbeatIntervalMs,
        // However patient the elections are: the rest has to be more so.
        requestTimeoutMs: Math.max(DEFAULT_RAFT_CONFIG.requestTimeoutMs, 2 * electionTimeoutMs),
        diskTimeoutMs: Math.max(DEFAULT_RAFT_CONFIG.diskTimeoutMs, electionTimeoutMs),
        ...tuning?.core,
        maxProposalBytes: MAX_PROPOSAL_BYTES,
      },
    );
    if (this.#stopping.signal.aborted) return raft.stop();
    transport.onMessage((message, entries) => raft.receive(message, entries));
    raft.onRole(({ role, term, leader }) => {
      logger.info({ role, term, leader }, `${role} in term ${term}`);
      this.#noticeRemoval();
    });
    raft.onConfiguration(() => {
      this.#roster.follow(raft.core.configuration, raft.core.commit);
      const { membership } = this.#roster;
      if (membership !== undefined) transport.setMembers(membership.members);
      this.#noticeRemoval();
    });
    raft.onFailure((error) => {
      logger.error({ code: error.code }, `this node takes no more part: ${error.message}`);
    });
    this.#cluster = cluster;
    this.#formation?.end();
    this.#formation = undefined;
    const changes = new MemberChanges(
      { ...this.#components, raft, transport },
      {
        self,
        patienceMs: electionTimeoutMs,
        silentMs: electionTimeoutMs / 2,
      },
    );
    this.#consensus = { raft, transport, changes };
    this.#roster.follow(raft.core.configuration, raft.core.commit);
    transport.setMembers(this.#roster.membership?.members ?? members);
    logger.info({ cluster, members: members.map(({ id }) => id) }, `in cluster ${cluster}`);
  }

  /** What this node has applied of the log is committed. */
  get #commit(): number {
    return this.#machine.appliedIndex;
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
      `node ${this.#self.id} has been removed from cluster ${this.#cluster}: ask another node; ` +
      'stop this one, and do not start it again';
    this.#removed = new DleError('DLE_MEMBER_REMOVED', message, { retryable: true });
    this.#components.logger.warn({ code: this.#removed.code }, message);
    this.#consensus?.raft.stop();
    void this.#consensus?.transport.close();
  }

  /** Why this node takes no part. */
  #reason(): string | undefined {
    const failure = this.#removed ?? this.#consensus?.raft.stopped;
    if (failure !== undefined) return failure.message;
    const isUnknown = this.#cluster !== undefined && this.#roster.membership === undefined;
    if (isUnknown) return `it waits for the leader of cluster ${this.#cluster} to send it the log`;
    return this.#formation?.reason;
  }

  #card(): Card {
    const ids = this.#formation?.ids ?? [this.#self.id];
    const card = { ...this.#self, ids };
    if (this.#cluster === undefined) return card;
    const { members, retired } = this.#roster.membership ?? {};
    return { ...card, cluster: this.#cluster, members, retired };
  }
}
