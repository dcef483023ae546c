import type { MemberKind, MemberStatus, NodeRole, NodeStatus } from '@dle/client/protocol';
import type { CoreStatus } from '@dle/raft';
import type { LogStore } from '@dle/storage';
import type { Consensus } from './api/client-api.js';
import type { Member } from './membership/member.js';
import { VERSION } from './version.js';

/** What a node says of itself and its cluster. */
export function nodeStatus(parts: {
  readonly self: Member;
  readonly cluster: string | undefined;
  readonly members: readonly Member[] | undefined;
  /** Why it takes no part (yet). */
  readonly reason: string | undefined;
  readonly removed: boolean;
  readonly consensus: Consensus | undefined;
  readonly store: LogStore;
  readonly uptimeMs: number;
}): NodeStatus {
  const { self, cluster, members = [], reason, consensus, store, uptimeMs } = parts;
  const core = consensus?.raft.core.status();
  const stats = store.stats();
  return {
    node: self.id,
    instance: self.instance,
    cluster,
    role: parts.removed ? 'removed' : roleOf(consensus),
    reason,
    term: core?.term ?? 0,
    leader: parts.removed || core?.leader === 0 ? undefined : core?.leader,
    transferringTo: consensus?.raft.core.transferTarget || undefined,
    address: self.address,
    commit: core?.commit ?? 0,
    applied: store.appliedIndex,
    lastIndex: store.log.lastIndex,
    keys: stats.keys,
    segments: stats.segments,
    bytes: stats.bytes,
    members: members.map((member) => ({
      ...member,
      ...(core && { kind: kindOf(member.id, core), ...progressOf(member.id, core) }),
      reachable: member.id === self.id || consensus?.transport.peer(member.id)?.reachable === true,
    })),
    version: VERSION,
    uptimeMs: Math.round(uptimeMs),
  };
}

function kindOf(id: number, { voters, outgoing, learners }: CoreStatus): MemberKind {
  if (voters.includes(id)) {
    return outgoing.length === 0 || outgoing.includes(id) ? 'voter' : 'joining';
  }
  return outgoing.includes(id) || !learners.includes(id) ? 'leaving' : 'learner';
}

/** How far a member is, as its leader sees it. */
function progressOf(
  id: number,
  core: CoreStatus,
): Pick<MemberStatus, 'match' | 'lag' | 'caughtUp'> {
  if (core.role !== 'leader') return {};
  const peer = core.peers.find((one) => one.id === id);
  const match = id === core.id ? core.durableIndex : peer?.match;
  if (match === undefined) return {};
  return { match, lag: core.lastIndex - match, caughtUp: peer?.isCaughtUp ?? true };
}

function roleOf(consensus: Consensus | undefined): NodeRole {
  if (consensus === undefined) return 'forming';
  return consensus.raft.stopped === undefined ? consensus.raft.core.role : 'failed';
}
