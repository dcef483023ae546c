import {
  asFields,
  type Complaint,
  complaint,
  type Fields,
  flag,
  optional,
  text,
  wholeNumber,
} from './fields.js';

/**
 * `forming`: not yet in a cluster; `restarting`: it puts a snapshot in force, or sets damaged data
 * aside, and takes part again in a moment; `failed`: its disk has failed, and it tries again by
 * itself, or its data is damaged and cannot be repaired; `removed`: the others have removed it, and
 * it takes no part any more.
 */
export type NodeRole =
  | 'forming'
  | 'follower'
  | 'preCandidate'
  | 'candidate'
  | 'leader'
  | 'restarting'
  | 'failed'
  | 'removed';

/**
 * - `voter`;
 * - `learner`: gets the log and does not vote;
 * - `joining`, `leaving`: only in a joint phase, when the voters are being changed: a voter that
 *   was none before, and one that will be none. Both vote until it is over.
 */
export type MemberKind = 'voter' | 'learner' | 'joining' | 'leaving';

const ROLES: ReadonlySet<unknown> = new Set<NodeRole>([
  'forming',
  'follower',
  'preCandidate',
  'candidate',
  'leader',
  'restarting',
  'failed',
  'removed',
]);
const KINDS: ReadonlySet<unknown> = new Set<MemberKind>(['voter', 'learner', 'joining', 'leaving']);

/** A member as the node that was asked sees it. */
export interface MemberStatus {
  readonly id: number;
  readonly instance: string;
  /** `host:port` that it advertises to members and clients. */
  readonly address: string;
  readonly kind?: MemberKind | undefined;
  /** Last index known to be durable there; only the leader knows. */
  readonly match?: number | undefined;
  /** Entries of the leader's log that it is not known to hold; only the leader knows. */
  readonly lag?: number | undefined;
  /** Whether it answers and has all but what takes no time; only the leader knows. */
  readonly caughtUp?: boolean | undefined;
  /** Whether the node that was asked holds a connection to it. */
  readonly reachable?: boolean | undefined;
}

/** A snapshot on its way to or from the node that was asked. */
export interface TransferStatus {
  /** Id of the node at the other end. */
  readonly peer: number;
  /** Of the last entry that it reflects. */
  readonly index: number;
  /** Bytes that have been brought since it was begun, or gone on with. */
  readonly doneBytes: number;
  /** Of all of it, roughly. */
  readonly totalBytes: number;
}

/** Snapshots since the node was started. */
export interface SnapshotsStatus {
  /** Those that have come into force elsewhere. */
  readonly sent: number;
  /** Those that have come into force here. */
  readonly received: number;
  readonly sending: readonly TransferStatus[];
  readonly receiving?: TransferStatus | undefined;
}

/** Damage of a node's data, and what becomes of it. */
export interface RepairStatus {
  /** What is damaged, and how that was found: a sentence for people. Absent: nothing is. */
  readonly damage?: string | undefined;
  /** Why it is not repaired yet. */
  readonly obstacle?: string | undefined;
  /** Whether the node is fetching anew what it had, and takes no part in elections until it has. */
  readonly repairing: boolean;
  /** Repairs that have been brought to their end since the node was started. */
  readonly repaired: number;
}

/** A node's view of itself and of its cluster. */
export interface NodeStatus {
  readonly node: number;
  /** Random id of its data directory. */
  readonly instance: string;
  /** Absent while the cluster is being formed. */
  readonly cluster?: string | undefined;
  readonly role: NodeRole;
  /** Why it is in no cluster (yet), or takes no part: a sentence for people. */
  readonly reason?: string | undefined;
  readonly term: number;
  /** Node id of the leader, where one is known. */
  readonly leader?: number | undefined;
  /** Node id to which this leader is handing over. */
  readonly transferringTo?: number | undefined;
  /** `host:port` that it advertises. */
  readonly address: string;
  /** Index up to which the log is known to be committed. */
  readonly commit: number;
  /** Index up to which the keys reflect the log. */
  readonly applied: number;
  /** Lowest index that is in the log; lower ones are in snapshots only. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Bytes of the log's entries. */
  readonly logBytes: number;
  readonly keys: number;
  readonly segments: number;
  /** Bytes of the data directory's segments. */
  readonly bytes: number;
  readonly snapshots: SnapshotsStatus;
  readonly repair: RepairStatus;
  readonly members: readonly MemberStatus[];
  /** Of the server program. */
  readonly version: string;
  readonly uptimeMs: number;
}

const distrust = complaint('DLE_FORMAT', 'bad status');

/** Most members a status may list: far beyond any sensible cluster. */
const MAX_MEMBERS = 1_024;

/** Longest reason, in characters. */
const MAX_REASON_LENGTH = 4_096;

/** @throws DleError `DLE_FORMAT` */
export function parseStatus(control: unknown): NodeStatus {
  const fields = asFields(control, distrust);
  const number = (name: string) => wholeNumber(fields, name, distrust);
  const { role, members } = fields;
  if (!ROLES.has(role)) throw distrust(`role must be one of ${[...ROLES].join(', ')}`);
  if (!Array.isArray(members) || members.length > MAX_MEMBERS) {
    throw distrust(`members must be a list of at most ${MAX_MEMBERS}`);
  }
  return {
    node: number('node'),
    instance: text(fields, 'instance', distrust),
    cluster: optional(fields, 'cluster', text, distrust),
    role: role as NodeRole,
    reason: optional(fields, 'reason', longText, distrust),
    term: number('term'),
    leader: optional(fields, 'leader', wholeNumber, distrust),
    transferringTo: optional(fields, 'transferringTo', wholeNumber, distrust),
    address: text(fields, 'address', distrust),
    commit: number('commit'),
    applied: number('applied'),
    firstIndex: number('firstIndex'),
    lastIndex: number('lastIndex'),
    logBytes: number('logBytes'),
    keys: number('keys'),
    segments: number('segments'),
    bytes: number('bytes'),
    snapshots: parseSnapshots(asFields(fields.snapshots, distrust)),
    repair: parseRepair(asFields(fields.repair, distrust)),
    members: members.map((member) => parseMember(asFields(member, distrust))),
    version: text(fields, 'version', distrust),
    uptimeMs: number('uptimeMs'),
  };
}

function parseSnapshots(fields: Fields): SnapshotsStatus {
  const { sending } = fields;
  if (!Array.isArray(sending) || sending.length > MAX_MEMBERS) {
    throw distrust(`sending must be a list of at most ${MAX_MEMBERS}`);
  }
  return {
    sent: wholeNumber(fields, 'sent', distrust),
    received: wholeNumber(fields, 'received', distrust),
    sending: sending.map(parseTransfer),
    receiving: optional(fields, 'receiving', (all, name) => parseTransfer(all[name]), distrust),
  };
}

function parseTransfer(value: unknown): TransferStatus {
  const fields = asFields(value, distrust);
  return {
    peer: wholeNumber(fields, 'peer', distrust),
    index: wholeNumber(fields, 'index', distrust),
    doneBytes: wholeNumber(fields, 'doneBytes', distrust),
    totalBytes: wholeNumber(fields, 'totalBytes', distrust),
  };
}

function parseRepair(fields: Fields): RepairStatus {
  return {
    damage: optional(fields, 'damage', longText, distrust),
    obstacle: optional(fields, 'obstacle', longText, distrust),
    repairing: flag(fields, 'repairing', distrust),
    repaired: wholeNumber(fields, 'repaired', distrust),
  };
}

function parseMember(fields: Fields): MemberStatus {
  return {
    id: wholeNumber(fields, 'id', distrust),
    instance: text(fields, 'instance', distrust),
    address: text(fields, 'address', distrust),
    kind: optional(fields, 'kind', memberKind, distrust),
    match: optional(fields, 'match', wholeNumber, distrust),
    lag: optional(fields, 'lag', wholeNumber, distrust),
    caughtUp: optional(fields, 'caughtUp', flag, distrust),
    reachable: optional(fields, 'reachable', flag, distrust),
  };
}

function memberKind(fields: Fields, name: string, complain: Complaint): MemberKind {
  const kind = fields[name];
  if (!KINDS.has(kind)) throw complain(`${name} must be one of ${[...KINDS].join(', ')}`);
  return kind as MemberKind;
}

function longText(fields: Fields, name: string, complain: Complaint): string {
  return text(fields, name, complain, MAX_REASON_LENGTH);
}
