import type {
  MemberKind,
  MemberStatus,
  NodeRole,
  NodeStatus,
  RepairStatus,
  SnapshotsStatus,
} from '@dle/client/protocol';
import type { CoreStatus } from '@dle/raft';
import type { ClusterPart } from './cluster-part.js';
import type { Member } from './membership/member.js';
import type { Consensus } from './replica/participation.js';
import type { Replica } from './replica/replica.js';
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
  readonly replica: Replica;
  readonly isReplacing: boolean;
  /** Whether it has no replica to take part with. */
  readonly hasFailed: boolean;
  readonly part: Pick<ClusterPart, 'sender' | 'receiver' | 'repairs'> | undefined;
  readonly uptimeMs: number;
}): NodeStatus {
  const { self, cluster, members = [], reason, consensus, uptimeMs } = parts;
  const core = consensus?.raft.core.status();
  const figures = parts.replica.figures;
  return {
    node: self.id,
    instance: self.instance,
    cluster,
    role: roleOf(parts),
    reason,
    term: core?.term ?? 0,
    leader: parts.removed || core?.leader === 0 ? undefined : core?.leader,
    transferringTo: consensus?.raft.core.transferTarget || undefined,
    address: self.address,
    commit: core?.commit ?? 0,
    applied: figures.applied,
    firstIndex: figures.firstIndex,
    lastIndex: figures.lastIndex,
    logBytes: figures.logBytes,
    keys: figures.keys,
    segments: figures.segments,
    bytes: figures.bytes,
    snapshots: snapshotsOf(parts.part),
    repair: repairOf(parts.part, consensus),
    members: members.map((member) => ({
      ...member,
      ...(core && { kind: kindOf(member.id, core), ...progressOf(member.id, core) }),
      reachable: member.id === self.id || consensus?.transport.peer(member.id)?.reachable === true,
    })),
    version: VERSION,
    uptimeMs: Math.round(uptimeMs),
  };
}

type Part = Parameters<typeof nodeStatus>[0]['part'];

function snapshotsOf(part: Part): SnapshotsStatus {
  if (part === undefined) return { sent: 0, received: 0, sending: [] };
  const { sender, receiver } = part;
  const { underWay } = receiver;
  return {
    sent: sender.sent,
    received: receiver.received,
    sending: sender.underWay.map(({ to, index, sentBytes, totalBytes }) => {
      return { peer: to, index, doneBytes: sentBytes, totalBytes };
    }),
    ...(underWay !== undefined && {
      receiving: {
        peer: underWay.from,
        index: underWay.index,
        doneBytes: underWay.receivedBytes,
        totalBytes: underWay.totalBytes,
      },
    }),
  };
}

function repairOf(part: Part, consensus: Consensus | undefined): RepairStatus {
  const { damage, obstacle, done = 0, isReplacing = false } = part?.repairs ?? {};
  return {
    ...(damage !== undefined && { damage: `${damage.message} (found by: ${damage.foundBy})` }),
    ...(obstacle !== undefined && { obstacle }),
    repairing: isReplacing || consensus?.raft.core.lostData === true,
    repaired: done,
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

function roleOf({
  removed,
  isReplacing,
  hasFailed,
  consensus,
}: Parameters<typeof nodeStatus>[0]): NodeRole {
  if (removed) return 'removed';
  if (isReplacing) return 'restarting';
  if (hasFailed) return 'failed';
  if (consensus === undefined) return 'forming';
  return consensus.raft.stopped === undefined ? consensus.raft.core.role : 'failed';
}
