import { assert } from '@dle/common';
import type { CoreState } from './core-state.js';
import { Progress } from './progress.js';
import { reachedByQuorum } from './quorum.js';
import { ReadRounds } from './read-rounds.js';
import { Replication } from './replication.js';
import type { AppendResponse, HeartbeatResponse, NodeId } from './types.js';

/**
 * What the empty entry of a new leader takes in the log: a record's header of 64 bytes, and its
 * name.
 */
const NOOP_BYTES = 72;

/** One node's time as leader of one term. It exists only while it lasts. */
export class Leadership {
  readonly #state: CoreState;
  readonly #replication: Replication;
  readonly #reads: ReadRounds;
  readonly #peers = new Map<NodeId, Progress>();
  #nextHeartbeat: number;

  /**
   * The new leader writes an entry of its own term at once (paper section 8): with it, everything
   * before it commits, and reads can be vouched for.
   */
  constructor(state: CoreState) {
    this.#state = state;
    this.#replication = new Replication(state);
    this.#reads = new ReadRounds(state);
    const { id, term, log, now, options } = state;
    for (const voter of log.voters) {
      if (voter === id) continue;
      const peer = new Progress(voter, log.lastIndex + 1, now, options.maxInflightAppends);
      this.#peers.set(voter, peer);
    }
    this.#nextHeartbeat = now + options.heartbeatIntervalMs;
    const index = log.lastIndex + 1;
    const write = state.writeEntries(index, index);
    log.appendOne(term, NOOP_BYTES);
    state.emit({ type: 'appendNoop', write, index, term });
    for (const peer of this.#peers.values()) this.#replication.send(peer);
  }

  /** Whoever leads alone has nobody to remind of it. */
  get deadline(): number {
    return this.#peers.size === 0 ? Number.POSITIVE_INFINITY : this.#nextHeartbeat;
  }

  get peers(): Iterable<Progress> {
    return this.#peers.values();
  }

  get pendingReads(): number {
    return this.#reads.pending;
  }

  /**
   * The entries leave for the followers in the same step, in parallel with this node's own flush.
   */
  propose(sizes: readonly number[]): void {
    const { term, log } = this.#state;
    assert(sizes.length > 0, 'a proposal of no entries');
    const firstIndex = log.lastIndex + 1;
    const write = this.#state.writeEntries(firstIndex, log.lastIndex + sizes.length);
    for (const bytes of sizes) log.appendOne(term, bytes);
    const count = sizes.length;
    this.#state.emit({ type: 'appendProposed', write, firstIndex, count, term });
    for (const peer of this.#peers.values()) this.#replication.send(peer);
  }

  /**
   * Sends heartbeats when they are due. False: no quorum has been heard from within an election
   * timeout (check-quorum). Others may have elected somebody; whoever waits here should be told to
   * go there.
   */
  tick(): boolean {
    const { now, options } = this.#state;
    if (now < this.#nextHeartbeat) return true;
    const contact = this.#quorum((peer) => peer.lastHeard, now);
    if (contact + options.electionTimeoutMs <= now) return false;
    this.#nextHeartbeat = now + options.heartbeatIntervalMs;
    this.#sendHeartbeats();
    return true;
  }

  onAppendResponse(message: AppendResponse): void {
    const peer = this.#heard(message);
    if (peer === undefined) return;
    if (this.#replication.onResponse(peer, message)) {
      this.#countReplicas();
      this.#replication.send(peer);
    }
  }

  onHeartbeatResponse(message: HeartbeatResponse): void {
    const peer = this.#heard(message);
    if (peer !== undefined && peer.match < this.#state.log.lastIndex) this.#replication.ask(peer);
  }

  onFlushed(): void {
    this.#countReplicas();
  }

  read(id: number): void {
    this.#reads.add(id);
    this.#askForReads();
  }

  resign(): void {
    this.#reads.refuseAll();
  }

  #heard(message: AppendResponse | HeartbeatResponse): Progress | undefined {
    const peer = this.#peers.get(message.from);
    // An answer to a round that was never asked answers nothing.
    if (peer === undefined || message.round > this.#state.round) return undefined;
    peer.lastHeard = this.#state.now;
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
    const index = this.#quorum((peer) => peer.match, writes.durableIndex);
    if (index <= this.#state.commit || log.termAt(index) !== term) return;
    this.#state.advanceCommit(index);
    for (const peer of this.#peers.values()) this.#replication.send(peer);
    this.#askForReads();
  }

  #askForReads(): void {
    if (!this.#reads.begin()) return;
    this.#sendHeartbeats();
    this.#confirmReads();
  }

  #confirmReads(): void {
    const round = this.#quorum((peer) => peer.round, this.#state.round);
    if (this.#reads.confirmed(round)) this.#askForReads();
  }

  #sendHeartbeats(): void {
    const { id: from, term, commit, round } = this.#state;
    for (const peer of this.#peers.values()) {
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

  #quorum(reachedBy: (peer: Progress) => number, own: number): number {
    const { id, log } = this.#state;
    return reachedByQuorum(log.voters, (voter) =>
      voter === id ? own : reachedBy(this.#peers.get(voter)!),
    );
  }
}
