/** Who is in a cluster, and how that changes. */

export type NodeId = number;

/** The members as the core sees them. Ids are in rising order, none twice in a list. */
export interface Configuration {
  /** Those who vote; in a joint phase, those who will. At least one. */
  readonly voters: readonly NodeId[];
  /**
   * Not empty in a joint phase (paper section 6): those who voted before it. Until it is over,
   * every decision takes a majority of both. Absent otherwise.
   */
  readonly outgoing?: readonly NodeId[];
  /**
   * Those who get the log and have no vote (dissertation 4.2.1). None of them is among `voters`;
   * one may be among `outgoing`, while it stops voting. Absent where there are none.
   */
  readonly learners?: readonly NodeId[];
  /**
   * What goes with the members and means nothing to the core (instance ids, addresses). A joint
   * phase ends with what it began with, so it may still tell of nodes that have left: only those in
   * the lists above are members.
   */
  readonly members?: unknown;
}

/** What is to become of the members, in one step. Every id is named at most once. */
export interface MembershipChange {
  /** New members: they get the log, and have no vote. */
  readonly add?: readonly NodeId[];
  /** Learners that are to vote. */
  readonly promote?: readonly NodeId[];
  /** Voters that are to be learners. */
  readonly demote?: readonly NodeId[];
  /** Members that are to be none. With `promote`, one replaces the other in one step. */
  readonly remove?: readonly NodeId[];
  /**
   * `members` of the new configuration; must cover those who leave, too, who are told of it.
   * Default: as it was.
   */
  readonly members?: unknown;
}

/** Why a change of members was not begun. Nothing was written. */
export interface ChangeRefusal {
  /**
   * - `notLeader`: ask the leader;
   * - `notReady`: the leader has not committed an entry of its own term yet; try again;
   * - `changeUnderWay`: one change at a time; try again when that is over;
   * - `transferring`: another node is about to lead; ask it;
   * - `notCaughtUp`: a learner that is to vote lacks too much of the log; try again later;
   * - `wouldLoseQuorum`: too few of the voters that there would be are alive and up to date, so
   *   that
   *   nothing could be committed with them;
   * - `invalid`: it makes no sense with the members there are.
   */
  readonly reason:
    | 'notLeader'
    | 'notReady'
    | 'changeUnderWay'
    | 'transferring'
    | 'notCaughtUp'
    | 'wouldLoseQuorum'
    | 'invalid';
  /** A sentence for people. */
  readonly message: string;
}

/**
 * A configuration and the index of the entry that brought it; it counts from the moment it is in
 * the log.
 */
export interface IndexedConfiguration {
  readonly index: number;
  readonly configuration: Configuration;
}
