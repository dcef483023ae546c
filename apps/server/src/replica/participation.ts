import type { Clock, DleError, Logger, Random } from '@dle/common';
import type { Sockets } from '@dle/net';
import { type CoreOptions, DEFAULT_RAFT_CONFIG, type LogProposal, RaftNode } from '@dle/raft';
import type { Member } from '../membership/member.js';
import { MemberChanges } from '../membership/member-changes.js';
import type { PeerTransport } from '../peers/peer-transport.js';
import type { SnapshotSender } from '../snapshots/snapshot-sender.js';
import type { Replica } from './replica.js';

const MAX_PROPOSAL_BYTES = 64 * 1024 ** 2;

export type CoreTuning = Partial<
  Omit<CoreOptions, 'id' | 'electionTimeoutMs' | 'heartbeatIntervalMs'>
>;

/** What there is to serve from: consensus, on the replica of the time. */
export interface Consensus {
  readonly replica: Replica;
  readonly raft: RaftNode<LogProposal>;
  readonly transport: PeerTransport;
  readonly changes: MemberChanges;
}

export interface ParticipationComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sockets?: Sockets;
  readonly transport: PeerTransport;
  readonly snapshots: SnapshotSender;
}

export interface ParticipationOptions {
  readonly self: Member;
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly core?: CoreTuning | undefined;
  /** Consensus has begun on a replica. */
  readonly begun: () => void;
  /** Role, term or leader have changed. */
  readonly roleChanged: () => void;
  /** Its log or its state machine has failed: it takes no part any more. */
  readonly failed: (error: DleError) => void;
  /** Another configuration is in force. */
  readonly reconfigured: () => void;
}

/**
 * A node's part in its cluster. The connections to the other members stay, while consensus ends on
 * one replica and begins on the next.
 */
export class Participation {
  readonly transport: PeerTransport;
  readonly #components: ParticipationComponents;
  readonly #options: ParticipationOptions;
  #consensus: Consensus | undefined;
  #closed = false;

  constructor(components: ParticipationComponents, options: ParticipationOptions) {
    this.transport = components.transport;
    this.#components = components;
    this.#options = options;
  }

  /** `undefined` between two replicas. */
  get consensus(): Consensus | undefined {
    return this.#consensus;
  }

  /** Begins consensus on `replica`. Rejects with what its log cannot be recovered for. */
  async begin(replica: Replica): Promise<void> {
    const { transport, clock, random, logger } = this.#components;
    const snapshots = this.#components.snapshots.portOf(replica);
    const { self, electionTimeoutMs, heartbeatIntervalMs, core } = this.#options;
    const raft = await RaftNode.start(
      {
        log: replica.log,
        stateMachine: replica.machine,
        snapshots,
        transport,
        clock,
        random,
        logger,
      },
      {
        ...DEFAULT_RAFT_CONFIG,
        id: self.id,
        electionTimeoutMs,
        heartbeatIntervalMs,
        // However patient the elections are: the rest has to be more so.
        requestTimeoutMs: Math.max(DEFAULT_RAFT_CONFIG.requestTimeoutMs, 2 * electionTimeoutMs),
        diskTimeoutMs: Math.max(DEFAULT_RAFT_CONFIG.diskTimeoutMs, electionTimeoutMs),
        ...core,
        maxProposalBytes: MAX_PROPOSAL_BYTES,
      },
    );
    const changes = new MemberChanges(
      { ...this.#components, raft },
      { self, patienceMs: electionTimeoutMs, silentMs: electionTimeoutMs / 2 },
    );
    this.#consensus = { replica, raft, transport, changes };
    transport.onMessage((message, entries) => raft.receive(message, entries));
    raft.onRole(({ role, term, leader }) => {
      logger.info({ role, term, leader }, `${role} in term ${term}`);
      this.#options.roleChanged();
    });
    raft.onConfiguration(() => this.#options.reconfigured());
    raft.onFailure((error) => {
      logger.error({ code: error.code }, `this node takes no more part: ${error.message}`);
      this.#options.failed(error);
    });
    if (this.#closed) raft.stop();
    else this.#options.begun();
  }

  /** Takes no part any more; whoever waits, or asks, is told so. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#consensus?.raft.stop();
    await this.transport.close();
  }

  /**
   * Takes no part until the next `begin`; whoever waits is told why, where nothing was done.
   * Returns what has ended.
   */
  end(why: DleError): Consensus | undefined {
    const ended = this.#consensus;
    ended?.raft.stop(why);
    this.#consensus = undefined;
    // Until then messages are lost, as on a bad line.
    this.transport.onMessage(() => {});
    return ended;
  }
}
