import { assert } from '@dle/common';
import { Inflights } from './inflights.js';
import type { NodeId } from './types.js';

/**
 * - `probe`: where the follower's log meets the leader's is not known; one request at a time finds
 *   out.
 * - `replicate`: it is known; requests follow each other without waiting for answers.
 * - `snapshot`: it lacks entries that are in the log no more, and the state is being brought to it.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** The longest pause between two snapshots is 16 times the shortest. */
const MAX_DOUBLINGS = 4;

/**
 * What a leader knows of one follower.
 *
 *     match              next           last index
 *       ├──── under way ──┤── to be sent ──┤
 *
 * Invariant: 0 <= match < next.
 */
export class Progress {
  readonly id: NodeId;
  readonly inflights: Inflights;
  /** The highest round that it answered. */
  round = 0;
  /** It has answered something sent then or later; see `Lease`. */
  answeredSince: number = Number.NEGATIVE_INFINITY;
  /** Whether it may lack what it has acknowledged in earlier terms; undefined: it has not said. */
  lostData: boolean | undefined;
  /** When it last answered, in monotonic milliseconds. */
  lastHeard: number;
  /** When it may be brought a snapshot again. */
  noSnapshotBefore: number = Number.NEGATIVE_INFINITY;
  /** While probing: a request is out, and its answer decides what comes next. */
  awaitsAnswer = false;
  #snapshotsFailed = 0;
  #state: ProgressState = 'probe';
  #match = 0;
  #next: number;
  /** The index that was the last one when the round under way began, and when that was. */
  #roundEnd: number;
  #roundBegan: number;
  /** How long the round before took. */
  #roundTook = Number.POSITIVE_INFINITY;

  constructor(id: NodeId, next: number, now: number, maxInflightAppends: number) {
    assert(next >= 1, 'the next entry to send is at least the first');
    this.id = id;
    this.#next = next;
    this.lastHeard = now;
    this.#roundEnd = next - 1;
    this.#roundBegan = now;
    this.inflights = new Inflights(maxInflightAppends);
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** The last index that it has acknowledged in this term. */
  get match(): number {
    return this.#match;
  }

  /** The next entry to send. */
  get next(): number {
    return this.#next;
  }

  /** Requests up to `lastIndex` are on their way, of which this one took `bytes`. */
  sent(lastIndex: number, bytes: number): void {
    assert(this.#state === 'replicate', 'only a replicating follower is sent things ahead');
    assert(lastIndex >= this.#next, 'nothing was sent');
    this.inflights.add(lastIndex, bytes);
    this.#next = lastIndex + 1;
  }

  /** It holds everything up to `index`. Whether that is news. */
  accepted(index: number): boolean {
    const rises = index > this.#match;
    if (!rises && (index < this.#match || this.#state !== 'probe')) return false;
    this.#match = index;
    if (this.#state === 'probe') this.#become('replicate', this.#match + 1);
    else if (this.#state === 'replicate') {
      this.#next = Math.max(this.#next, index + 1);
      this.inflights.freeTo(index);
    }
    return true;
  }

  /**
   * Catching up goes in rounds (dissertation 4.2.1): each brings it what the leader held when the
   * round began. Ends the one under way if it has all of that.
   */
  countRound(now: number, lastIndex: number): void {
    if (this.#match < this.#roundEnd) return;
    this.#roundTook = now - this.#roundBegan;
    this.#roundEnd = lastIndex;
    this.#roundBegan = now;
  }

  /**
   * Whether it answers and has everything, or gets it faster than within `withinMs`: whatever it
   * lacks then delays nobody for longer.
   */
  isCaughtUp(now: number, lastIndex: number, withinMs: number): boolean {
    if (this.#match === 0 || this.lastHeard + withinMs <= now) return false;
    if (this.#match >= lastIndex) return true;
    return this.#roundTook <= withinMs && now - this.#roundBegan <= withinMs;
  }

  /**
   * It had no match at `index`; `hint` is the largest index where there may be one. Whether that is
   * news: late answers to requests long overtaken change nothing.
   */
  rejected(index: number, hint: number): boolean {
    if (this.#state === 'replicate') {
      if (index <= this.#match) return false;
      // Something on the way was lost. What it has acknowledged it has.
      this.#become('probe', this.#match + 1);
      return true;
    }
    if (this.#state === 'snapshot') return false;
    if (index !== this.#next - 1 || index <= this.#match) return false;
    this.#become('probe', Math.max(this.#match + 1, Math.min(index, hint + 1)));
    return true;
  }

  /** The state is being brought to it; until that has ended it is sent no entries. */
  snapshotBegins(): void {
    this.#become('snapshot', this.#next);
  }

  /** It may hold everything up to `index`, which the next request finds out. */
  snapshotEnded(index: number): void {
    this.#become('probe', Math.max(this.#match, index) + 1);
    this.#snapshotsFailed = 0;
  }

  /**
   * The snapshot came to nothing. Before another one it has to be heard from, and given time to
   * mend what is wrong: `timeoutMs`, and twice as long each time.
   */
  snapshotFailed(lastIndex: number, now: number, timeoutMs: number): void {
    this.#become('probe', lastIndex + 1);
    const doublings = Math.min(this.#snapshotsFailed++, MAX_DOUBLINGS);
    this.noSnapshotBefore = now + timeoutMs * 2 ** doublings;
  }

  #become(state: ProgressState, next: number): void {
    this.#state = state;
    this.#next = next;
    this.awaitsAnswer = false;
    this.inflights.clear();
    assert(this.#match < this.#next, 'the next entry to send is not known to be there');
  }
}
