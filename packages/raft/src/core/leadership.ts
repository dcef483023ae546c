import { assert } from '@dle/common';
import { Changes } from './changes.js';
import type { CoreState } from './core-state.js';
import { Lease } from './lease.js';
import { Peers } from './peers.js';
import type { Progress } from './progress.js';
import { majority, witnesses } from './quorum.js';
import { ReadRounds } from './read-rounds.js';
import { Replication } from './replication.js';
import type { PeerStatus } from './status.js';
import { Transfer } from './transfer.js';
import type {
  AppendResponse,
  ChangeRefusal,
  Configuration,
  HeartbeatResponse,
  MembershipChange,
  NodeId,
  ProposalRefusal,
  ReadIndexRequest,
  ReadLevel,
  TransferRefusal,
} from './types.js';

/**
 * What the empty entry of a new leader takes in the log: a record's header of 64 bytes, and its
 * name.
 */
const NOOP_BYTES = 72;
/**
 * What a configuration is taken for, whose encoding the core does not see. It counts against
 * windows and limits only, and only until the entry is read back.
 */
const CONFIGURATION_BYTES = 256;

/**
 * Election timeouts without an answer after which entries are not kept any longer for a member than
 * for one that is away. It may have to start anew on a snapshot meanwhile.
 */
const SILENT_TIMEOUTS = 20;

/** One node's time as leader of one term. It exists only while it lasts. */
export class Leadership {
  readonly #state: CoreState;
  readonly #replication: Replication;
  readonly #reads: ReadRounds;
  readonly #peers: Peers;
  readonly #changes: Changes;
  readonly #transfer: Transfer;
  readonly #lease: Lease;
  #nextHeartbeat: number;
  #isOver = false;

  /**
   * The new leader writes an entry of its own term at once (paper section 8): with it, everything
   * before it commits, and reads can be vouched for.
   */
  constructor(state: CoreState) {
    this.#state = state;
    this.#replication = new Replication(state);
    this.#reads = new ReadRounds(state);
    this.#peers = new Peers(state);
    this.#changes = new Changes(state, this.#peers);
    this.#transfer = new Transfer(state, this.#peers);
    this.#lease = new Lease(state, this.#peers);
    const { term, log, now, options } = state;
    this.#nextHeartbeat = now + options.heartbeatIntervalMs;
    const index = log.lastIndex + 1;
    const write = state.writeEntries(index, index);
    log.appendOne(term, NOOP_BYTES);
    state.emit({ type: 'appendNoop', write, index, term });
    this.#sendToAll();
  }

  /** Whether this node should lead no more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whoever leads alone has nobody to remind of it. */
  get deadline(): number {
    const { diskDeadline } = this.#state;
    if (this.#peers.size === 0) return diskDeadline;
    return Math.min(this.#nextHeartbeat, this.#transfer.deadline, diskDeadline);
  }

  get transferTarget(): NodeId {
    return this.#transfer.target;
  }

  /** What this leader knows of each of its peers; made anew by each call. */
  peerStatus(): readonly PeerStatus[] {
    return [...this.#peers].map((peer) => ({
      id: peer.id,
      isParting: this.#peers.isParting(peer.id),
      isCaughtUp: this.#peers.isCaughtUp(peer.id),
      lostData: peer.lostData === true,
      state: peer.state,
      match: peer.match,
      next: peer.next,
      inflightAppends: peer.inflights.count,
      inflightBytes: peer.inflights.bytes,
      silentMs: this.#state.now - peer.lastHeard,
    }));
  }

  /** As `RaftCore.canSpare`. */
  canSpare(id: NodeId): boolean {
    const { voters, outgoing = [] } = this.#state.log.members;
    return [voters, outgoing].every((set) => {
      if (!set.includes(id)) return true;
      const others = set.filter((voter) => voter !== id && this.#peers.isCaughtUp(voter));
      const whole = others.filter((voter) => this.#isWhole(voter));
      // It comes back, and votes, but is no witness.
      return others.length + 1 >= majority(set.length) && whole.length >= witnesses(set.length);
    });
  }

  #isWhole(id: NodeId): boolean {
    return id === this.#state.id || this.#peers.get(id)?.lostData === false;
  }

  /**
   * What lies behind this entry some member lacks, and is about to be sent: it answers, or it is
   * being brought a snapshot.
   */
  get neededBehind(): number {
    const { now, log, options } = this.#state;
    const silent = now - SILENT_TIMEOUTS * options.electionTimeoutMs;
    let needed = Number.POSITIVE_INFINITY;
    for (const { id, state, match, lastHeard } of this.#peers) {
      if (this.#peers.isParting(id)) continue;
      if (state === 'snapshot') needed = Math.min(needed, log.baseIndex);
      else if (lastHeard >= silent) needed = Math.min(needed, match);
    }
    return needed;
  }

  get pendingReads(): number {
    return this.#reads.pending;
  }

  /**
   * The entries leave for the followers in the same step, in parallel with this node's own flush.
   */
  propose(sizes: readonly number[]): ProposalRefusal | undefined {
    // What a leader takes that is to be removed might not reach whom it hands over to.
    if (this.#transfer.target !== 0 || this.#changes.isLeaving) return 'transferring';
    const { term, log, commit, options } = this.#state;
    const uncommitted = log.bytesBetween(commit + 1, log.lastIndex);
    const asked = sizes.reduce((sum, bytes) => sum + bytes, 0);
    const isTooMuch = uncommitted + asked > options.maxUncommittedBytes;
    if (uncommitted > 0 && isTooMuch) return 'overloaded';
    assert(sizes.length > 0, 'a proposal of no entries');
    const firstIndex = log.lastIndex + 1;
    const write = this.#state.writeEntries(firstIndex, log.lastIndex + sizes.length);
    for (const bytes of sizes) log.appendOne(term, bytes);
    const count = sizes.length;
    this.#state.emit({ type: 'appendProposed', write, firstIndex, count, term });
    this.#sendToAll();
    return undefined;
  }

  /** Begins to hand over leadership, or says why not. */
  transfer(target: NodeId): TransferRefusal | undefined {
    return this.#transfer.begin(target);
  }

  /** Ends this leadership, and invites whoever is best to begin the next. */
  handOver(): void {
    this.#transfer.handOver();
    this.#isOver = true;
  }

  /** Begins a change of members, or says why not. */
  changeMembers(change: MembershipChange): ChangeRefusal | undefined {
    if (this.#transfer.target !== 0) {
      const message = `leadership is being transferred to node ${this.#transfer.target}; ask it`;
      return { reason: 'transferring', message };
    }
    const first = this.#changes.begin(change);
    if ('reason' in first) return first;
    this.#configure(first);
    return undefined;
  }

  /**
   * Gives up where the device hangs. Sends heartbeats when they are due, unless no quorum has been
   * heard from within an election timeout (check-quorum): others may have elected somebody; whoever
   * waits here should be told to go there.
   */
  tick(): void {
    const { now, options, diskDeadline } = this.#state;
    if (now >= diskDeadline) {
      this.handOver();
      return;
    }
    this.#transfer.expire();
    if (now < this.#nextHeartbeat) return;
    const contact = this.#peers.reached((peer) => peer.lastHeard, now);
    if (contact + options.electionTimeoutMs <= now) {
      this.#isOver = true;
      return;
    }
    this.#peers.part();
    this.#nextHeartbeat = now + options.heartbeatIntervalMs;
    this.#sendHeartbeats();
  }

  onAppendResponse(message: AppendResponse): void {
    const peer = this.#heard(message);
    if (peer === undefined) return;
    if (this.#replication.onResponse(peer, message)) {
      this.#countReplicas();
      this.#replication.send(peer);
      this.#transfer.proceed();
    }
  }

  onHeartbeatResponse(message: HeartbeatResponse): void {
    const peer = this.#heard(message);
    if (peer === undefined) return;
    const { log, now } = this.#state;
    peer.lostData = message.lostData;
    peer.countRound(now, log.lastIndex);
    if (peer.match < log.lastIndex) this.#replication.ask(peer);
  }

  /** The state after the entry `index` is in force at a member; 0: not brought there. */
  onSnapshotEnded(id: NodeId, index: number): void {
    const peer = this.#peers.get(id);
    if (peer?.state !== 'snapshot') return;
    const { now, log, options } = this.#state;
    if (index > 0) peer.snapshotEnded(index);
    else peer.snapshotFailed(log.lastIndex, now, options.electionTimeoutMs);
    this.#replication.send(peer);
  }

  onFlushed(): void {
    this.#countReplicas();
    this.#transfer.proceed();
  }

  read(id: number, level: ReadLevel): void {
    if (level === 'lease' && this.#hasLease) {
      this.#state.emit({ type: 'readable', ids: [id], index: this.#state.commit });
      return;
    }
    if (this.#reads.add(id)) this.#askForReads();
    else this.#state.emit({ type: 'readRefused', ids: [id], reason: 'overloaded' });
  }

  onReadIndexRequest(message: ReadIndexRequest): void {
    if (this.#peers.get(message.from) === undefined) return;
    this.#reads.addRequest(message);
    this.#askForReads();
  }

  get #hasLease(): boolean {
    const { knowsAllCommitted } = this.#state;
    return knowsAllCommitted && !this.#transfer.hasEverInvited && this.#lease.holds;
  }

  resign(): void {
    this.#reads.refuseAll();
  }

  #heard(message: AppendResponse | HeartbeatResponse): Progress | undefined {
    const peer = this.#peers.get(message.from);
    // An answer to a round that was never asked answers nothing.
    if (peer === undefined || message.round > this.#state.round) return undefined;
    peer.lastHeard = this.#state.now;
    this.#lease.answered(peer, message.round);
    if (message.round > peer.round) {
      peer.round = message.round;
      this.#confirmReads();
    }
    return peer;
  }

  /**
   * Commits what a majority holds, this node included once its own copy is durable; but only up to
   * an entry of this term, which takes all before it along (paper section 5.4.2, figure 8).
   */
  #countReplicas(): void {
    const { log, term, writes } = this.#state;
    const index = this.#peers.reached((peer) => peer.match, writes.durableIndex);
    if (index <= this.#state.commit || log.termAt(index) !== term) return;
    this.#state.advanceCommit(index);
    this.#tellParting();
    this.#askForReads();
    const next = this.#changes.next();
    if (next !== undefined) this.#configure(next);
    if (this.#changes.hasLeft) this.handOver();
  }

  /** The next heartbeat may be another leader's, which has no word for them. */
  #tellParting(): void {
    for (const peer of this.#peers) {
      if (this.#peers.isParting(peer.id)) this.#replication.ask(peer);
    }
  }

  /** It counts from the moment it is in the log (paper section 6). */
  #configure(configuration: Configuration): void {
    const { term, log } = this.#state;
    const index = log.lastIndex + 1;
    const write = this.#state.writeEntries(index, index);
    log.appendConfiguration(term, CONFIGURATION_BYTES, configuration);
    this.#state.emit({ type: 'appendConfiguration', write, index, term, configuration });
    this.#peers.follow();
    this.#sendToAll();
    // Those who answered may be a quorum now, and nobody be left whose answer would tell so.
    this.#confirmReads();
  }

  #sendToAll(): void {
    for (const peer of this.#peers) this.#replication.send(peer);
  }

  #askForReads(): void {
    if (!this.#reads.begin()) return;
    this.#sendHeartbeats();
    this.#confirmReads();
  }

  #confirmReads(): void {
    const round = this.#peers.reached((peer) => peer.round, this.#state.round);
    if (this.#reads.confirmed(round)) this.#askForReads();
  }

  #sendHeartbeats(): void {
    this.#lease.beginRound();
    const { id: from, term, commit, round } = this.#state;
    for (const peer of this.#peers) {
      this.#state.send({
        type: 'heartbeat',
        from,
        to: peer.id,
        term,
        commit: Math.min(peer.match, commit),
        round,
      });
    }
  }
}
