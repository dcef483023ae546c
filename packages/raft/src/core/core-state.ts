import { assert, type Random } from '@dle/common';
import { LogView } from './log-view.js';
import { Outbox } from './outbox.js';
import type { CoreEffect, CoreOptions, Message, NodeId, RecoveredState, Role } from './types.js';
import { Writes } from './writes.js';

/**
 * Terms stay this far from where whole numbers end, so that adding one to a term is always safe.
 */
export const MAX_TERM: number = 2 ** 52;

/**
 * By how much a node that has lost data raises its term: more than there can have been elections in
 * what it has lost, so that it never votes or acknowledges twice in a term.
 */
export const LOST_TERMS: number = 2 ** 20;

/**
 * What every role works on: the log, term and vote, and the effects of the step under way. The
 * rooms of the core share one of it, and nothing outside the core sees it.
 */
export class CoreState {
  readonly options: CoreOptions;
  readonly random: Random;
  readonly log: LogView;
  readonly writes: Writes;
  readonly outbox: Outbox = new Outbox();
  now: number;
  /** Newest read round. It outlives leaderships, so that none is ever used twice. */
  round = 0;
  #term: number;
  #vote: NodeId;
  #role: Role = 'follower';
  #leader: NodeId = 0;
  #commit: number;
  #reportedCommit: number;
  #savedTerm: number;
  #savedVote: NodeId;
  #lostData: boolean;
  #savedLostData: boolean;
  #voteWrite = 0;
  #effects: CoreEffect[] = [];

  constructor(random: Random, options: CoreOptions, recovered: RecoveredState, now: number) {
    this.random = random;
    this.options = options;
    this.now = now;
    this.log = new LogView(recovered.base, recovered.batches);
    this.writes = new Writes(this.log.lastIndex);
    const { term, vote, commit, base, lostData } = recovered;
    assert(Number.isSafeInteger(term) && term <= MAX_TERM, `recovered term ${term}`);
    assert(term >= this.log.lastTerm, 'the log holds entries of a term that was never saved');
    const isThere = commit >= base.index && commit <= this.log.lastIndex;
    assert(isThere, 'what is committed is not in the log');
    this.#term = this.#savedTerm = term;
    this.#vote = this.#savedVote = vote;
    this.#lostData = this.#savedLostData = lostData;
    this.#commit = this.#reportedCommit = commit;
  }

  get id(): NodeId {
    return this.options.id;
  }

  get term(): number {
    return this.#term;
  }

  /** 0: none in this term. */
  get vote(): NodeId {
    return this.#vote;
  }

  get role(): Role {
    return this.#role;
  }

  /** 0: unknown. */
  get leader(): NodeId {
    return this.#leader;
  }

  get commit(): number {
    return this.#commit;
  }

  /**
   * Of a leader: whether it has committed in its own term, and so knows of everything that any
   * leader before it has committed (paper section 5.4.2).
   */
  get knowsAllCommitted(): boolean {
    return this.log.termAt(this.#commit) === this.#term;
  }

  /** When the device has taken too long, if it goes on like this; `Infinity`: it is idle. */
  get diskDeadline(): number {
    return this.writes.waitingSince + this.options.diskTimeoutMs;
  }

  /** Entries up to here are reported as committed: the driver may have applied them. */
  get reportedCommit(): number {
    return this.#reportedCommit;
  }

  emit(effect: CoreEffect): void {
    this.#effects.push(effect);
  }

  /**
   * Changes role, leader and, upward, term. A new term has no vote yet, and no use for what the old
   * one said.
   */
  become(role: Role, term: number, leader: NodeId): void {
    assert(Number.isSafeInteger(term) && term >= this.#term && term <= MAX_TERM, `term ${term}`);
    if (role === this.#role && term === this.#term && leader === this.#leader) return;
    if (term > this.#term) {
      this.#term = term;
      this.#vote = 0;
      this.outbox.clear();
    }
    this.#role = role;
    this.#leader = leader;
    this.emit({ type: 'role', role, term, leader });
  }

  voteFor(candidate: NodeId): void {
    assert(this.#vote === 0 || this.#vote === candidate, 'a second vote in one term');
    this.#vote = candidate;
  }

  /** Whether this log may lack what this node has acknowledged. */
  get lostData(): boolean {
    return this.#lostData;
  }

  /**
   * The log lacks what this node has acknowledged. What it has said in this term counts no more in
   * one so far ahead, where it begins anew; the others hold an election, and the next leader finds
   * out what is here.
   */
  lose(): void {
    this.#lostData = true;
    this.become('follower', this.#term + LOST_TERMS, 0);
  }

  /**
   * An entry is here of a leader that was elected since: before its first one comes everything that
   * was committed until then, and what this node has acknowledged to it, or to later ones, is here.
   * Terms from before the loss lie at least `LOST_TERMS` below.
   */
  #regain(): void {
    if (this.log.termAt(this.writes.durableIndex) + LOST_TERMS <= this.#term) return;
    this.#lostData = false;
    this.saveVote();
  }

  /**
   * Asks for term, vote and mark to be written if they have changed. The write that holds them.
   */
  saveVote(): number {
    const isSaved =
      this.#term === this.#savedTerm &&
      this.#vote === this.#savedVote &&
      this.#lostData === this.#savedLostData;
    if (!isSaved) {
      this.#savedTerm = this.#term;
      this.#savedVote = this.#vote;
      this.#savedLostData = this.#lostData;
      this.#voteWrite = this.writes.next(this.now);
      const [write, term, vote] = [this.#voteWrite, this.#term, this.#vote];
      this.emit({ type: 'saveVote', write, term, vote, lostData: this.#lostData });
    }
    return this.#voteWrite;
  }

  /** Numbers a write of entries; what they rest on, the term, is written before them. */
  writeEntries(firstIndex: number, lastIndex: number): number {
    assert(firstIndex > this.#commit, `entry ${firstIndex} is committed and cannot be replaced`);
    this.saveVote();
    return this.writes.entries(firstIndex, lastIndex, this.now);
  }

  send(message: Message): void {
    assert(message.to !== this.id, 'a message to oneself cannot be sent');
    this.emit({ type: 'send', message });
  }

  /**
   * Sends once term and vote as they now stand, and the entries up to `index`, are on the device.
   */
  sendWhenDurable(message: Message, index: number): void {
    const write = Math.max(this.saveVote(), this.writes.holding(index));
    if (this.writes.isFlushed(write)) this.send(message);
    else this.outbox.hold(write, message);
  }

  /** Raises the commit index; a lower one is old news. Whether it was higher. */
  advanceCommit(index: number): boolean {
    assert(index <= this.log.lastIndex, `entry ${index} is committed and not in the log`);
    if (index <= this.#commit) return false;
    this.#commit = index;
    return true;
  }

  /** Ends a step: nothing is left unsaved or unreported. The effects of the step. */
  takeEffects(): readonly CoreEffect[] {
    this.saveVote();
    this.reportCommit();
    if (this.#lostData) this.#regain();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  reportCommit(): void {
    // What is committed may not be durable here yet. What is applied must be, or a crash would
    // leave a state that its own log cannot explain.
    const index = Math.min(this.#commit, this.writes.durableIndex);
    if (index > this.#reportedCommit) {
      this.#reportedCommit = index;
      this.emit({ type: 'commit', index });
    }
  }
}
