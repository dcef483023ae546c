import type { Configuration, NodeId } from './types.js';

/** The sets of voters of a configuration: one, or in a joint phase two. */
export type VoterSets = Pick<Configuration, 'voters' | 'outgoing'>;

/** Voters that make a majority of `count`. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * The largest value that a quorum has reached: a majority of the voters and, in a joint phase, also
 * a majority of the outgoing ones (paper section 6). One function for all that a leader counts:
 * replicated indexes, confirmed read rounds, times of contact.
 */
export function reachedByQuorum(sets: VoterSets, reachedBy: (voter: NodeId) => number): number {
  const { voters, outgoing } = sets;
  const reached = reachedByMajority(voters, reachedBy);
  if (outgoing === undefined) return reached;
  return Math.min(reached, reachedByMajority(outgoing, reachedBy));
}

/**
 * An empty set stands in nobody's way: `Infinity`, so that the minimum over two sets is right when
 * one of them is empty. For the handful of voters there are, comparing each with each beats
 * sorting, and takes no memory.
 */
function reachedByMajority(
  voters: readonly NodeId[],
  reachedBy: (voter: NodeId) => number,
): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  let reached = Number.NEGATIVE_INFINITY;
  for (const voter of voters) {
    const value = reachedBy(voter);
    if (value <= reached) continue;
    let count = 0;
    for (const other of voters) if (reachedBy(other) >= value) count++;
    if (count >= majority(voters.length)) reached = value;
  }
  return reached;
}

export type VoteResult = 'won' | 'lost' | 'pending';

/**
 * Voters so many of whom there is one in every majority of `count`: whatever is committed, one of
 * them holds it.
 */
export function witnesses(count: number): number {
  return count - majority(count) + 1;
}

const NONE: ReadonlySet<NodeId> = new Set();

/**
 * How a vote stands: those not in `votes` have not answered; whoever is not a voter does not count.
 * In a joint phase it is won in both sets, or lost in one. Who has lost data (`forgetful`) helps to
 * make a majority, but is no witness that the candidate holds all that is committed.
 */
export function voteResult(
  sets: VoterSets,
  votes: ReadonlyMap<NodeId, boolean>,
  forgetful: ReadonlySet<NodeId> = NONE,
): VoteResult {
  const { voters, outgoing = [] } = sets;
  const results = [resultIn(voters, votes, forgetful), resultIn(outgoing, votes, forgetful)];
  if (results.includes('lost')) return 'lost';
  return results.includes('pending') ? 'pending' : 'won';
}

function resultIn(
  voters: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
  forgetful: ReadonlySet<NodeId>,
): VoteResult {
  const { length } = voters;
  if (length === 0) return 'won';
  let granted = 0;
  let refused = 0;
  let forgot = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === false) refused++;
    else if (vote === true) granted++;
    if (vote === true && forgetful.has(voter)) forgot++;
  }
  if (granted >= majority(length) && granted - forgot >= witnesses(length)) return 'won';
  const possible = length - refused;
  const isLost = possible < majority(length) || possible - forgot < witnesses(length);
  return isLost ? 'lost' : 'pending';
}
