import type { ProgressState } from './progress.js';
import type { NodeId, Role } from './types.js';

/** A follower as its leader sees it. */
export interface PeerStatus {
  readonly id: NodeId;
  /** No member any more: it is being told so. */
  readonly isParting: boolean;
  /** It answers, and lacks nothing but what it gets within an election timeout. */
  readonly isCaughtUp: boolean;
  /** It may lack what it has acknowledged in earlier terms. */
  readonly lostData: boolean;
  readonly state: ProgressState;
  /** The last index that it has acknowledged in this term. */
  readonly match: number;
  /** The next index to send. */
  readonly next: number;
  readonly inflightAppends: number;
  readonly inflightBytes: number;
  /** Milliseconds since it last answered. */
  readonly silentMs: number;
}

/** A node's view of itself, for operators. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: number;
  /** 0: none in this term. */
  readonly vote: NodeId;
  /** 0: unknown. */
  readonly leader: NodeId;
  readonly voters: readonly NodeId[];
  /** Not empty in a joint phase: the voters that it leaves behind. */
  readonly outgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Index of the entry that brought this configuration; 0: there is none. */
  readonly configurationIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Entries up to here are on this node's device. */
  readonly durableIndex: number;
  readonly commit: number;
  /** Messages that wait for a flush. */
  readonly heldMessages: number;
  /** Its log may lack what it has acknowledged; see `RecoveredState`. */
  readonly lostData: boolean;
  /** Whom leadership is being transferred to; 0: nobody, or this node does not lead. */
  readonly transferTarget: NodeId;
  /** Reads that wait for a quorum, or of a follower for the leader. */
  readonly pendingReads: number;
  /** Empty unless leading. */
  readonly peers: readonly PeerStatus[];
}
