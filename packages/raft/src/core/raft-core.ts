import { assert, type Random } from '@dle/common';
import { validateCoreOptions } from './core-options.js';
import { CoreState } from './core-state.js';
import { Election } from './election.js';
import { Follower } from './follower.js';
import { FollowerReads } from './follower-reads.js';
import { Leadership } from './leadership.js';
import type { CoreStatus } from './status.js';
import type {
  AppendResponse,
  CoreEffect,
  CoreOptions,
  EntryBatch,
  Event,
  IndexedConfiguration,
  LogBase,
  MembershipChange,
  Message,
  NodeId,
  ReadLevel,
  RecoveredState,
  Role,
  VoteRequest,
  VoteResponse,
} from './types.js';
import { isWellFormed } from './well-formed.js';

export interface RaftCoreComponents {
  /** Draws election timeouts, and where the numbers of a follower's reads begin. */
  readonly random: Random;
}

/**
 * Raft as a pure, synchronous state machine: events in, effects out. It has no clock, no timer, no
 * promise and no I/O; the same events and the same chance give the same effects.
 *
 * One rule covers durability: a vote or an acknowledgement, a rejection and the leader's own
 * included, leaves only after what it depends on is on the device. The core holds such messages
 * back until `flushed` reports the write they wait for; the driver may carry out every effect as
 * soon as it sees it.
 */
export class RaftCore {
  readonly #state: CoreState;
  readonly #election: Election;
  readonly #follower: Follower;
  readonly #followerReads: FollowerReads;
  /** Present while this node leads. */
  #leadership: Leadership | undefined;

  /**
   * Starts as a follower. What is recovered is taken as flushed, and entries up to
   * `recovered.commit` as known to the driver: the first `commit` effect is for a later one.
   *
   * @param now monotonic milliseconds, on the scale of the events'.
   * @throws DleError `DLE_INVALID_ARGUMENT` for options that do not go together.
   */
  constructor(
    components: RaftCoreComponents,
    options: CoreOptions,
    recovered: RecoveredState,
    now: number,
  ) {
    validateCoreOptions(options);
    this.#state = new CoreState(components.random, options, recovered, now);
    this.#election = new Election(this.#state, recovered.restarted);
    this.#follower = new Follower(this.#state);
    this.#followerReads = new FollowerReads(this.#state);
  }

  /**
   * When the next tick is due, in monotonic milliseconds; `Infinity`: never. An earlier one does no
   * harm.
   */
  get deadline(): number {
    return this.#leadership?.deadline ?? this.#election.deadline;
  }

  get id(): NodeId {
    return this.#state.id;
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): number {
    return this.#state.term;
  }

  /** Whom this node votes for in this term; 0: nobody yet. */
  get vote(): NodeId {
    return this.#state.vote;
  }

  /** 0: unknown. */
  get leader(): NodeId {
    return this.#state.leader;
  }

  /** Known to be committed; entries of it may not be durable here yet. */
  get commit(): number {
    return this.#state.commit;
  }

  /** Whom leadership is being transferred to; 0: nobody, or this node does not lead. */
  get transferTarget(): NodeId {
    return this.#leadership?.transferTarget ?? 0;
  }

  get lastIndex(): number {
    return this.#state.log.lastIndex;
  }

  /** The entries up to here are in the log no more; 0: it is whole. */
  get baseIndex(): number {
    return this.#state.log.baseIndex;
  }

  /** Bytes of all entries in the log. */
  get logBytes(): number {
    return this.bytesBetween(this.baseIndex + 1, this.lastIndex);
  }

  /** Bytes of the entries `firstIndex` to `lastIndex`, which are in the log. */
  bytesBetween(firstIndex: number, lastIndex: number): number {
    return this.#state.log.bytesBetween(firstIndex, lastIndex);
  }

  /**
   * Entries up to here are committed and may be purged, once they are applied: those behind them
   * take `logRetentionBytes`, and no member is about to be sent them; or those take `maxLogBytes`.
   */
  get purgeableIndex(): number {
    const { log, options, reportedCommit } = this.#state;
    const { lastIndex, baseIndex } = log;
    const beyond = log.firstWithin(lastIndex, options.logRetentionBytes) - 1;
    const needed = this.#leadership?.neededBehind ?? lastIndex;
    const beyondAll = log.firstWithin(lastIndex, options.maxLogBytes) - 1;
    return Math.max(baseIndex, Math.min(reportedCommit, beyond, Math.max(needed, beyondAll)));
  }

  /** What a log that began behind `index`, which is committed, would have to know. */
  baseAt(index: number): LogBase {
    return this.#state.log.baseAt(index);
  }

  /**
   * Whether a snapshot of the state after that entry, which is committed, would bring anything: it
   * lies above what is committed here, and the log does not lead there (paper figure 13, step 6).
   * To be asked once more when the node has stopped, and before the state takes the place of what
   * is here: from then on the answer stays the same.
   */
  wants({ index, term }: { readonly index: number; readonly term: number }): boolean {
    return index > this.commit && !this.#state.log.holds(index, term);
  }

  /**
   * Of a leader: whether the cluster could go on, and elect leaders that hold all that is
   * committed, if the member `id` began anew without its data now. Enough of the others answer, are
   * caught up, and have not lost data themselves. False where this node does not lead.
   */
  canSpare(id: NodeId): boolean {
    return this.#leadership?.canSpare(id) ?? false;
  }

  /** Whether the log may lack what this node has acknowledged; see `RecoveredState`. */
  get lostData(): boolean {
    return this.#state.lostData;
  }

  /** The configuration that counts: the last one in the log, committed or not. */
  get configuration(): IndexedConfiguration | undefined {
    return this.#state.log.configuration;
  }

  /** A snapshot of everything an operator may ask for; made anew by each call. */
  status(): CoreStatus {
    const { id, role, term, vote, leader, commit, log, writes, outbox } = this.#state;
    return {
      id,
      role,
      term,
      vote,
      leader,
      voters: log.members.voters,
      outgoing: log.members.outgoing ?? [],
      learners: log.members.learners ?? [],
      configurationIndex: log.configuration?.index ?? 0,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      durableIndex: writes.durableIndex,
      commit,
      heldMessages: outbox.size,
      lostData: this.lostData,
      transferTarget: this.transferTarget,
      pendingReads: this.#leadership?.pendingReads ?? this.#followerReads.pending,
      peers: this.#leadership?.peerStatus() ?? [],
    };
  }

  /**
   * Takes one event and says what is to be done about it. Runs to completion; the effects are the
   * caller's.
   *
   * Nothing that a working peer sends makes it throw, and no nonsense either: that is ignored. An
   * assertion (`DLE_INTERNAL`) means that the driver is wrong, or that a leader contradicts what is
   * committed here, which proves that the cluster has lost committed data: the node must stop, so
   * as not to lose its copy too.
   */
  step(event: Event): readonly CoreEffect[] {
    // A driver may have looked at the clock before it stepped another event; time never runs back
    // here.
    this.#state.now = Math.max(this.#state.now, event.now);
    switch (event.type) {
      case 'tick':
        this.#onTick();
        break;
      case 'message':
        this.#onMessage(event.message, event.entries);
        break;
      case 'propose':
        this.#propose(event.sizes);
        break;
      case 'read':
        this.#read(event.id, event.level ?? 'linearizable');
        break;
      case 'flushed':
        this.#onFlushed(event.write);
        break;
      case 'changeMembers':
        this.#changeMembers(event.change);
        break;
      case 'snapshotEnded':
        this.#leadership?.onSnapshotEnded(event.peer, event.index);
        break;
      case 'purge':
        this.#purge(event.index);
        break;
      case 'resign':
        this.#leadership?.handOver();
        break;
      case 'transfer':
        this.#transfer(event.target);
        break;
      case 'campaign':
        if (!this.#election.withholds) this.#election.startPreVote();
        break;
    }
    if (this.#leadership?.isOver) {
      // Who waits for what is committed should hear of it before they hear that nobody leads.
      this.#state.reportCommit();
      this.#follow(this.term, 0);
    }
    this.#followerReads.review();
    return this.#state.takeEffects();
  }

  #onTick(): void {
    if (this.#leadership !== undefined) {
      this.#leadership.tick();
    } else if (this.#state.now >= this.#election.deadline) {
      this.#election.startPreVote();
    }
  }

  #read(id: number, level: ReadLevel): void {
    if (this.#leadership !== undefined) this.#leadership.read(id, level);
    else if (level === 'follower') this.#followerReads.add(id);
    else this.#state.emit({ type: 'readRefused', ids: [id], reason: 'notLeader' });
  }

  #propose(sizes: readonly number[]): void {
    const reason = this.#leadership === undefined ? 'notLeader' : this.#leadership.propose(sizes);
    if (reason !== undefined) this.#state.emit({ type: 'proposalRefused', reason });
  }

  #transfer(target: NodeId): void {
    const refusal =
      this.#leadership === undefined
        ? ({ reason: 'notLeader', message: 'this node does not lead' } as const)
        : this.#leadership.transfer(target);
    if (refusal !== undefined) this.#state.emit({ type: 'transferRefused', ...refusal });
  }

  #changeMembers(change: MembershipChange): void {
    const refusal =
      this.#leadership === undefined
        ? ({ reason: 'notLeader', message: 'this node does not lead' } as const)
        : this.#leadership.changeMembers(change);
    if (refusal !== undefined) this.#state.emit({ type: 'changeRefused', ...refusal });
  }

  #purge(index: number): void {
    if (index <= this.baseIndex) return;
    assert(index <= this.purgeableIndex, `entry ${index} is still needed`);
    this.#state.emit({ type: 'purge', base: this.#state.log.purge(index) });
  }

  #onFlushed(write: number): void {
    this.#state.writes.flushed(write);
    for (const message of this.#state.outbox.release(write)) {
      if (message.type === 'voteRequest' && this.role !== 'candidate') continue;
      if (message.to !== this.id) this.#state.send(message);
      // A candidate's vote for itself travels the same way as everybody else's.
      else if (message.type === 'voteResponse') this.#onVoteResponse(message);
    }
    this.#leadership?.onFlushed();
  }

  #onMessage(message: Message, entries: EntryBatch | undefined): void {
    if (message.to !== this.id || message.from === this.id) return;
    if (!isWellFormed(message, entries)) return;
    if (message.type === 'voteRequest' && this.#withholdsFrom(message)) return;
    if (message.term > this.term && isOfItsTerm(message)) {
      this.#follow(message.term, isFromLeader(message) ? message.from : 0);
    }
    if (message.type === 'preVoteRequest') this.#election.onPreVoteRequest(message);
    else if (message.type === 'preVoteResponse') this.#election.onPreVoteResponse(message);
    else if (message.term < this.term) this.#answerLate(message);
    else this.#dispatch(message, entries);
  }

  /** A message of the current term. */
  #dispatch(message: Message, entries: EntryBatch | undefined): void {
    switch (message.type) {
      case 'voteRequest':
        this.#election.onVoteRequest(message);
        break;
      case 'voteResponse':
        this.#onVoteResponse(message);
        break;
      case 'appendRequest':
        if (this.#heardFromLeader(message.from)) this.#follower.onAppend(message, entries);
        break;
      case 'heartbeat':
        if (!this.#heardFromLeader(message.from)) break;
        this.#follower.onHeartbeat(message);
        this.#followerReads.onHeartbeat();
        break;
      case 'readIndexRequest':
        this.#leadership?.onReadIndexRequest(message);
        break;
      case 'readIndexResponse':
        if (this.#heardFromLeader(message.from)) this.#followerReads.onResponse(message);
        break;
      case 'timeoutNow':
        if (this.#heardFromLeader(message.from)) this.#election.takeOver();
        break;
      case 'appendResponse':
        this.#leadership?.onAppendResponse(message);
        break;
      case 'heartbeatResponse':
        this.#leadership?.onHeartbeatResponse(message);
        break;
    }
  }

  /**
   * Tells whoever still leads or campaigns in an older term of the newer one. A leader must hear of
   * it:
   * a node that went ahead of its term would otherwise neither follow it nor, while the others do,
   * replace it.
   */
  #answerLate(message: Message): void {
    const { id: from, term } = this;
    const to = message.from;
    if (message.type === 'voteRequest') {
      const refusal = { type: 'voteResponse', from, to, term, granted: false } as const;
      this.#state.sendWhenDurable({ ...refusal, lostData: this.lostData }, 0);
    } else if (isFromLeader(message)) {
      const refusal: AppendResponse = {
        type: 'appendResponse',
        from,
        to,
        term,
        rejected: true,
        index: message.type === 'appendRequest' ? message.previousIndex : 0,
        hintIndex: 0,
        hintTerm: 0,
        round: 0,
      };
      this.#state.sendWhenDurable(refusal, 0);
    }
  }

  /**
   * Follows the sender, which leads this term. False: another one does, so the message is nobody's.
   */
  #heardFromLeader(sender: NodeId): boolean {
    const { leader } = this.#state;
    if (leader !== 0 && leader !== sender) return false;
    this.#follow(this.term, sender);
    this.#election.heardFromLeader();
    return true;
  }

  /** Whether a vote asked for in this or a later term is not to be had: not even a refusal. */
  #withholdsFrom({ from, term, transfer }: VoteRequest): boolean {
    if (term < this.term) return false;
    if (transfer || !this.#election.withholds) return false;
    // Granted already: saying it again changes nothing.
    return term > this.term || this.vote !== from;
  }

  #onVoteResponse(message: VoteResponse): void {
    if (!this.#election.onVoteResponse(message)) return;
    this.#state.become('leader', this.term, this.id);
    this.#leadership = new Leadership(this.#state);
  }

  #follow(term: number, leader: NodeId): void {
    const wasLeading = this.#leadership !== undefined;
    this.#leadership?.resign();
    this.#leadership = undefined;
    this.#state.become('follower', term, leader);
    if (wasLeading) this.#election.rearm();
  }
}

/**
 * Whether somebody is in the term that the message names. The terms of pre-votes asked for and
 * granted are those of elections that may never be, and move nobody.
 */
function isOfItsTerm(message: Message): boolean {
  if (message.type === 'preVoteRequest') return false;
  return message.type !== 'preVoteResponse' || !message.granted;
}

function isFromLeader(message: Message): boolean {
  const { type } = message;
  return type === 'appendRequest' || type === 'heartbeat' || type === 'timeoutNow';
}
