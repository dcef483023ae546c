export {
  type Bytes,
  type CallOptions,
  Client,
  type ClientComponents,
  type DumpOptions,
  type ReadOptions,
} from './client.js';
export type { ClientOptions } from './client-options.js';
export type {
  MemberKind,
  MemberStatus,
  NodeRole,
  NodeStatus,
  Pair,
  ReadLevel,
  RepairStatus,
  SnapshotsStatus,
  TransferStatus,
} from './protocol/index.js';
