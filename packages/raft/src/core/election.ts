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

/** No election timeout is as long as this many of the shortest. */
const MAX_TIMEOUTS = 2;

/**
 * Votes, on both sides, and the time after which a node asks for them (paper section 5.2,
 * dissertation 9.6).
 */
export class Election {
  readonly #state: CoreState;
  readonly #votes = new Map<NodeId, boolean>();
  /** Those among them who have lost data. */
  readonly #forgetful = new Set<NodeId>();
  /** Until then votes are withheld. */
  #withholdsUntil = Number.NEGATIVE_INFINITY;
  #deadline = 0;

  /** @param restarted whether an earlier process may have spoken for this node. */
  constructor(state: CoreState, restarted: boolean) {
    this.#state = state;
    const { now, options, log } = state;
    // That process may have acknowledged a leader just before it ended, and the leader may serve
    // reads on the strength of it.
    if (restarted) this.#withholdsUntil = now + MAX_TIMEOUTS * options.electionTimeoutMs;
    this.rearm();
    // Nobody else is or was the leader: there is nothing to wait for.
    if (log.isOnly(state.id) && this.#mayCampaign()) this.#deadline = now;
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

  /**
   * From now on it is this leader alone that may count on this node, whoever could before: one of
   * the same term is the same, and one of an older term had lost its lease before this one was
   * elected.
   */
  heardFromLeader(): void {
    const { now, options } = this.#state;
    this.#withholdsUntil = now + options.electionTimeoutMs;
    this.rearm();
  }

  /**
   * Whether votes are withheld: a leader is alive, so whoever asks has lost touch with it and would
   * only disrupt (paper section 6). It goes by time alone: a leader that was heard from may serve
   * reads on the strength of it, even if this node has moved on to another term.
   */
  get withholds(): boolean {
    const { role, now } = this.#state;
    return role === 'leader' || now < this.#withholdsUntil;
  }

  /** The leader has asked this node to take over, which holds all that it does. */
  takeOver(): void {
    if (this.#mayCampaign()) this.#startVote(true);
  }

  /** Asks who would vote for this node, before it disturbs anybody with a new term. */
  startPreVote(): void {
    const state = this.#state;
    this.rearm();
    if (!this.#mayCampaign()) {
      // Whom it followed has fallen silent, and whoever comes next will make itself heard.
      state.become('follower', state.term, 0);
      return;
    }
    state.become('preCandidate', state.term, 0);
    this.#votes.clear();
    this.#votes.set(state.id, true);
    if (this.#result() === 'won') {
      this.#startVote(false);
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
  #startVote(transfer: boolean): void {
    const state = this.#state;
    state.become('candidate', state.term + 1, 0);
    state.voteFor(state.id);
    this.#votes.clear();
    this.rearm();
    const { id: from, term, lostData } = state;
    const { lastIndex, lastTerm } = state.log;
    state.sendWhenDurable(
      { type: 'voteResponse', from, to: from, term, granted: true, lostData },
      lastIndex,
    );
    for (const to of this.#others()) {
      state.sendWhenDurable(
        { type: 'voteRequest', from, to, term, lastIndex, lastTerm, transfer },
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
    const { id: from, lostData } = state;
    const to = message.from;
    state.sendWhenDurable({ type: 'preVoteResponse', from, to, term, granted, lostData }, 0);
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
    const { id: from, term, lostData } = state;
    const to = message.from;
    state.sendWhenDurable({ type: 'voteResponse', from, to, term, granted, lostData }, 0);
  }

  onPreVoteResponse(message: PreVoteResponse): void {
    const state = this.#state;
    if (state.role !== 'preCandidate') return;
    // A grant to an earlier question, of another term, does not answer this one.
    if (message.granted && message.term !== state.term + 1) return;
    this.#count(message);
    const result = this.#result();
    if (result === 'won') this.#startVote(false);
    else if (result === 'lost') state.become('follower', state.term, 0);
  }

  /** In the current term. Whether the election is won by it. */
  onVoteResponse(message: VoteResponse): boolean {
    const state = this.#state;
    if (state.role !== 'candidate') return false;
    this.#count(message);
    const result = this.#result();
    if (result === 'lost') state.become('follower', state.term, 0);
    return result === 'won';
  }

  #count({ from, granted, lostData }: PreVoteResponse | VoteResponse): void {
    this.#votes.set(from, granted);
    if (lostData) this.#forgetful.add(from);
    else this.#forgetful.delete(from);
  }

  #result(): 'won' | 'lost' | 'pending' {
    return voteResult(this.#state.log.members, this.#votes, this.#forgetful);
  }

  /**
   * Voters may, and whoever was one until an entry that is not known to be committed: it may be the
   * only one to hold that entry, and the others could then elect nobody without it. It does not
   * count itself, and leads only until its removal is committed.
   */
  #mayCampaign(): boolean {
    const { id, term, commit, log, now, diskDeadline, lostData } = this.#state;
    // A vote could not be saved, and nothing led.
    if (term >= MAX_TERM || now >= diskDeadline) return false;
    // It may lack what is committed.
    if (lostData) return false;
    if (votersOf(log.members).includes(id)) return true;
    return (log.configuration?.index ?? 0) > commit && votersOf(log.membersBefore).includes(id);
  }

  #others(): readonly NodeId[] {
    return votersOf(this.#state.log.members).filter((voter) => voter !== this.#state.id);
  }
}
