/** What nodes say to each other. */

import type { NodeId } from './members.js';

interface MessageBase {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Term of the sender; of a pre-vote request: the term it would campaign in. */
  readonly term: number;
}

export interface PreVoteRequest extends MessageBase {
  readonly type: 'preVoteRequest';
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** `term` repeats the request's where granted, and is the voter's own where not. */
export interface PreVoteResponse extends MessageBase {
  readonly type: 'preVoteResponse';
  readonly granted: boolean;
  /** The voter may lack what it has acknowledged: it cannot tell what the candidate has to hold. */
  readonly lostData: boolean;
}

/** RequestVote (paper figure 2). */
export interface VoteRequest extends MessageBase {
  readonly type: 'voteRequest';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader of the term before has asked for this election: nobody need withhold a vote. */
  readonly transfer: boolean;
}

export interface VoteResponse extends MessageBase {
  readonly type: 'voteResponse';
  readonly granted: boolean;
  /** As in `PreVoteResponse`. */
  readonly lostData: boolean;
}

/** AppendEntries (paper figure 2). Its entries, if it has any, travel beside it. */
export interface AppendRequest extends MessageBase {
  readonly type: 'appendRequest';
  readonly previousIndex: number;
  readonly previousTerm: number;
  /** Index of the last entry it carries; `previousIndex` when it carries none. */
  readonly lastIndex: number;
  readonly commit: number;
  /** Newest read round of the leader when it was sent. */
  readonly round: number;
}

export interface AppendResponse extends MessageBase {
  readonly type: 'appendResponse';
  readonly rejected: boolean;
  /**
   * Accepted: the last index this request verified, durable here. Rejected: its `previousIndex`.
   */
  readonly index: number;
  /**
   * Rejected: where the leader should look next (largest index that may match), and the term there.
   */
  readonly hintIndex: number;
  readonly hintTerm: number;
  readonly round: number;
}

export interface Heartbeat extends MessageBase {
  readonly type: 'heartbeat';
  /** min(what the receiver is known to hold, the leader's commit). */
  readonly commit: number;
  readonly round: number;
}

export interface HeartbeatResponse extends MessageBase {
  readonly type: 'heartbeatResponse';
  /** The follower may lack what it has acknowledged in earlier terms. */
  readonly lostData: boolean;
  readonly round: number;
}

/** TimeoutNow (dissertation 3.10): the leader asks a follower that holds everything to take over. */
export interface TimeoutNow extends MessageBase {
  readonly type: 'timeoutNow';
}

/** A follower asks for the index of reads that it was asked for (dissertation 6.4). */
export interface ReadIndexRequest extends MessageBase {
  readonly type: 'readIndexRequest';
  /** Never used twice by a node, over all its lives. */
  readonly request: number;
}

export interface ReadIndexResponse extends MessageBase {
  readonly type: 'readIndexResponse';
  readonly request: number;
  /** The state at this index reflects all that was committed when the request arrived. */
  readonly index: number;
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse;
