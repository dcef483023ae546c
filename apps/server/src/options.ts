import { MAX_NODE_ID } from '@dle/client/protocol';
import { DleError } from '@dle/common';
import { parseAddress } from '@dle/net';
import { z } from 'zod';
import type { PeerHint } from './membership/member.js';

const HOSTS_NOBODY_CAN_CALL = new Set(['0.0.0.0', '::', '[::]']);

export interface NodeOptions {
  /** Id of this node in its cluster, unique there. Default 1. */
  readonly id?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  /** Port to listen on, for members and clients alike; 0 takes a free one. Default 9001. */
  readonly port?: number;
  /** `host:port` under which the others reach this node. Default: host and port. */
  readonly advertise?: string | undefined;
  /**
   * The other members, `host:port` or `id@host:port`; at most 31. They count until the cluster is
   * formed; then they are a hint of where members may have moved. Default: none, a cluster of one.
   */
  readonly peers?: readonly string[];
  /**
   * Never form a cluster: wait until somebody adds this node to one (`dle member add`). Default
   * false. Without effect once it is in a cluster.
   */
  readonly join?: boolean;
  /** Parent of this node's own directory, `node-<id>`. Default ./data. */
  readonly dataDir?: string;
  /** Bytes of a segment file, 4 KiB to 1 GiB. Default 64 MiB. */
  readonly segmentSize?: number;
  /**
   * Bytes of the log that are kept for members that were away; whoever lacks more is sent a
   * snapshot. From 0; default 256 MiB: what a member misses in some minutes of full load.
   */
  readonly logRetentionBytes?: number;
  /**
   * Bytes of snapshots that this node sends in a second, to all members together; from 64 KiB.
   * Default 64 MiB: half of what a network of 1 Gbit/s carries, so that the log has the other half;
   * and about a tenth of the time of either side's thread.
   */
  readonly snapshotBytesPerSecond?: number;
  /**
   * Least time without a leader before an election, 50 to 60,000 ms; at most twice as long. Default
   * 500: ten heartbeats, above the pauses of a healthy process and disk, and short enough for a
   * cluster of three to serve again well within a second of losing its leader.
   */
  readonly electionTimeoutMs?: number;
  /** Time between heartbeats of an idle leader, 5 to 10,000 ms. Default 50. */
  readonly heartbeatIntervalMs?: number;
}

export interface ResolvedOptions extends Required<Omit<NodeOptions, 'peers' | 'advertise'>> {
  readonly advertise: string | undefined;
  readonly peers: readonly PeerHint[];
}

const schema = z.strictObject({
  id: z.int().min(1).max(MAX_NODE_ID).default(1),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(9001),
  advertise: z.string().optional(),
  peers: z.array(z.string()).max(31).default([]),
  join: z.boolean().default(false),
  dataDir: z.string().min(1).default('./data'),
  segmentSize: z
    .int()
    .min(4_096)
    .max(1024 ** 3)
    .default(64 * 1024 ** 2),
  logRetentionBytes: z
    .int()
    .min(0)
    .default(256 * 1024 ** 2),
  snapshotBytesPerSecond: z
    .int()
    .min(64 * 1024)
    .default(64 * 1024 ** 2),
  electionTimeoutMs: z.int().min(50).max(60_000).default(500),
  heartbeatIntervalMs: z.int().min(5).max(10_000).default(50),
});

/**
 * Checks all options together. Throws `DLE_INVALID_ARGUMENT`, which names the option and what it
 * takes.
 */
export function resolveOptions(options: NodeOptions): ResolvedOptions {
  const parsed = schema.safeParse(options);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') || 'options'}: ${issue?.message}`);
  }
  const { peers, advertise, ...rest } = parsed.data;
  if (advertise !== undefined) parseAddress(advertise);
  const isAlone = peers.length === 0 && !rest.join;
  if (advertise === undefined && !isAlone && HOSTS_NOBODY_CAN_CALL.has(rest.host)) {
    throw invalid(`host ${rest.host} tells the peers nothing: name this node with --advertise`);
  }
  if (rest.heartbeatIntervalMs * 4 > rest.electionTimeoutMs) {
    throw invalid('electionTimeoutMs must be at least four times heartbeatIntervalMs');
  }
  return { ...rest, advertise, peers: peers.map(parsePeer) };
}

function parsePeer(text: string): PeerHint {
  const match = /^(?:(\d+)@)?(.+)$/.exec(text.trim());
  if (match === null) throw invalid(`not a peer: '${text}' (host:port or id@host:port)`);
  const [, id, address] = match;
  parseAddress(address!);
  return id === undefined ? { address: address! } : { id: Number(id), address: address! };
}

function invalid(message: string): DleError {
  return new DleError('DLE_INVALID_ARGUMENT', message);
}
