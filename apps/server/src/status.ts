import type { NodeRole, NodeStatus } from '@dle/client/protocol';
import type { LogStore } from '@dle/storage';
import type { Consensus } from './api/client-api.js';
import type { Member } from './member.js';
import { VERSION } from './version.js';

/** What a node says of itself and its cluster. */
export function nodeStatus(parts: {
  readonly self: Member;
  readonly cluster: string | undefined;
  readonly members: readonly Member[] | undefined;
  readonly consensus: Consensus | undefined;
  readonly store: LogStore;
  readonly uptimeMs: number;
}): NodeStatus {
  const { self, cluster, members = [], consensus, store, uptimeMs } = parts;
  const core = consensus?.raft.core;
  const stats = store.stats();
  return {
    node: self.id,
    instance: self.instance,
    cluster,
    role: roleOf(consensus),
    term: core?.term ?? 0,
    leader: core?.leader === 0 ? undefined : core?.leader,
    address: self.address,
    commit: core?.commit ?? 0,
    applied: store.appliedIndex,
    lastIndex: store.log.lastIndex,
    keys: stats.keys,
    segments: stats.segments,
    bytes: stats.bytes,
    members: members.map((member) => ({
      ...member,
      match: core?.status().peers.find((peer) => peer.id === member.id)?.match,
      reachable: member.id === self.id || consensus?.transport.peer(member.id)?.reachable === true,
    })),
    version: VERSION,
    uptimeMs: Math.round(uptimeMs),
  };
}

function roleOf(consensus: Consensus | undefined): NodeRole {
  if (consensus === undefined) return 'forming';
  return consensus.raft.stopped === undefined ? consensus.raft.core.role : 'failed';
}
