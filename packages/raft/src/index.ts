export { membersOf } from './core/configuration.js';
export { DEFAULT_CORE_OPTIONS, validateCoreOptions } from './core/core-options.js';
export type { ProgressState } from './core/progress.js';
export { reachedByQuorum, type VoteResult, type VoterSets, voteResult } from './core/quorum.js';
export { RaftCore, type RaftCoreComponents } from './core/raft-core.js';
export type { CoreStatus, PeerStatus } from './core/status.js';
export type {
  AppendRequest,
  AppendResponse,
  ChangeRefusal,
  Configuration,
  CoreEffect,
  CoreOptions,
  EntryBatch,
  Event,
  Heartbeat,
  HeartbeatResponse,
  IndexedConfiguration,
  LogBase,
  MembershipChange,
  Message,
  NodeId,
  PreVoteRequest,
  PreVoteResponse,
  ProposalRefusal,
  ReadIndexRequest,
  ReadIndexResponse,
  ReadLevel,
  ReadRefusal,
  RecoveredState,
  Role,
  TimeoutNow,
  TransferRefusal,
  VoteRequest,
  VoteResponse,
} from './core/types.js';
export { parseMessage } from './driver/parse-message.js';
export type {
  LogPort,
  Proposal,
  RaftNodeComponents,
  RoleChange,
  SnapshotTransfer,
  StateMachine,
  Transport,
} from './driver/ports.js';
export { DEFAULT_RAFT_CONFIG, type RaftConfig, validateRaftConfig } from './driver/raft-config.js';
export { RaftNode } from './driver/raft-node.js';
export type { Settle } from './driver/waiting.js';
export { type LogProposal, RaftLog, type RaftStore } from './log/raft-log.js';
export { lostDataStates, State } from './log/state.js';
