import { randomBelow } from '@dle/common';
import { votersOf } from './configuration.js';
import { type CoreState, MAX_TERM } from './core-state.js';
import { voteResult } from './quorum.js';
import type {
  NodeId,
  PreVoteRequest,
  PreVoteResponse,
  VoteRequest,
  VoteResponse,
} from './types.js';

/**
 * Votes, on both sides, and the time after which a node asks for them (paper section 5.2,
 * dissertation 9.6).
 */
export class Election {
  readonly #state: CoreState;
  readonly #votes = new Map<NodeId, boolean>();
  #lastLeaderContact = Number.NEGATIVE_INFINITY;
  #deadline = 0;

  constructor(state: CoreState) {
    this.#state = state;
    this.rearm();
    // Nobody else could be the leader: there is nothing to wait for.
    const isAlone = votersOf(state.log.members).length === 1;
    if (isAlone && this.#mayCampaign()) this.#deadline = state.now;
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** Draws a new timeout from [T, 2T), so that nodes rarely campaign at the same time. */
  rearm(): void {
    const { now, random, options } = this.#state;
    const { electionTimeoutMs } = options;
    this.#deadline = now + electionTimeoutMs + randomBelow(random, electionTimeoutMs);
  }

  heardFromLeader(): void {
    this.#lastLeaderContact = this.#state.now;
    this.rearm();
  }

  /**
   * Whether votes are withheld: a leader is alive, so whoever asks has lost touch with it and would
   * only disrupt (paper section 6).
   */
  get withholds(): boolean {
    const { role, leader, now, options } = this.#state;
    if (role === 'leader') return true;
    return leader !== 0 && now < this.#lastLeaderContact + options.electionTimeoutMs;
  }

  /** Asks who would vote for this node, before it disturbs anybody with a new term. */
  startPreVote(): void {
    const state = this.#state;
    this.rearm();
    if (!this.#mayCampaign()) return;
    state.become('preCandidate', state.term, 0);
    this.#votes.clear();
    this.#votes.set(state.id, true);
    if (this.#result() === 'won') {
      this.#startVote();
      return;
    }
    const { lastIndex, lastTerm } = state.log;
    for (const to of this.#others()) {
      const term = state.term + 1;
      state.send({ type: 'preVoteRequest', from: state.id, to, term, lastIndex, lastTerm });
    }
  }

  /**
   * The own vote counts, and others are asked, once it is on the device with all entries that it
   * boasts of: a candidate that forgot either could ask again in the same term with a shorter log,
   * and take the answers to its first question for answers to the second.
   */
  #startVote(): void {
    const state = this.#state;
    state.become('candidate', state.term + 1, 0);
    state.voteFor(state.id);
    this.#votes.clear();
    this.rearm();
    const { id: from, term } = state;
    const { lastIndex, lastTerm } = state.log;
    state.sendWhenDurable({ type: 'voteResponse', from, to: from, term, granted: true }, lastIndex);
    for (const to of this.#others()) {
      state.sendWhenDurable(
        { type: 'voteRequest', from, to, term, lastIndex, lastTerm },
        lastIndex,
      );
    }
  }

  onPreVoteRequest(message: PreVoteRequest): void {
    const state = this.#state;
    const isNewer = message.term > state.term;
    if (isNewer && this.withholds) return;
    const granted = isNewer && state.log.isMatchedBy(message.lastIndex, message.lastTerm);
    const term = granted ? message.term : state.term;
    const { id: from } = state;
    state.sendWhenDurable({ type: 'preVoteResponse', from, to: message.from, term, granted }, 0);
  }

  /** In the current term. */
  onVoteRequest(message: VoteRequest): void {
    const state = this.#state;
    const isFree = state.vote === message.from || (state.vote === 0 && state.leader === 0);
    const granted = isFree && state.log.isMatchedBy(message.lastIndex, message.lastTerm);
    if (granted) {
      state.voteFor(message.from);
      this.rearm();
    }
    const { id: from, term } = state;
    state.sendWhenDurable({ type: 'voteResponse', from, to: message.from, term, granted }, 0);
  }

  onPreVoteResponse(message: PreVoteResponse): void {
    const state = this.#state;
    if (state.role !== 'preCandidate') return;
    // A grant to an earlier question, of another term, does not answer this one.
    if (message.granted && message.term !== state.term + 1) return;
    this.#votes.set(message.from, message.granted);
    const result = this.#result();
    if (result === 'won') this.#startVote();
    else if (result === 'lost') state.become('follower', state.term, 0);
  }

  /** In the current term. Whether the election is won by it. */
  onVoteResponse(message: VoteResponse): boolean {
    const state = this.#state;
    if (state.role !== 'candidate') return false;
    this.#votes.set(message.from, message.granted);
    const result = this.#result();
    if (result === 'lost') state.become('follower', state.term, 0);
    return result === 'won';
  }

  #result(): 'won' | 'lost' | 'pending' {
    return voteResult(this.#state.log.members, this.#votes);
  }

  /**
   * Voters may, and whoever was one until an entry that is not known to be committed: it may be the
   * only one to hold that entry, and the others could then elect nobody without it. It does not
   * count itself, and leads only until its removal is committed.
   */
  #mayCampaign(): boolean {
    const { id, term, commit, log } = this.#state;
    if (term >= MAX_TERM) return false;
    if (votersOf(log.members).includes(id)) return true;
    return (log.configuration?.index ?? 0) > commit && votersOf(log.membersBefore).includes(id);
  }

  #others(): readonly NodeId[] {
    return votersOf(this.#state.log.members).filter((voter) => voter !== this.#state.id);
  }
}
