import { DleError, toBytes } from '@dle/common';
import { lostDataStates } from '@dle/raft';
import type { Vfs } from '@dle/storage/internal';
import type { IdentifyComponents } from '../formation/identify.js';
import { Replica, type ReplicaComponents, type ReplicaOptions } from '../replica/replica.js';
import { isDamage, isOfDisk } from './damage.js';
import { beginFreshStore, finishFreshStore } from './fresh-store.js';
import { canBeRepaired, type Identity, readIdentity } from './identity.js';
import { awaitPermission } from './sparing.js';

/**
 * Local state in which a node keeps its cluster's id, until the configuration reaches it, and for
 * when that is lost.
 */
export const CLUSTER_STATE = 'cluster';

export interface OpenReplicaComponents extends ReplicaComponents, IdentifyComponents {
  readonly vfs: Vfs;
}

export interface OpenReplicaOptions extends ReplicaOptions {
  /** Of the node. */
  readonly id: number;
  /** More places where members may be reached. */
  readonly hints: readonly string[];
  /** The node stops. */
  readonly signal: AbortSignal;
}

export interface OpenedReplica {
  readonly replica: Replica;
  /** As it was found. */
  readonly identity: Identity | undefined;
  /** What is damaged, of a replica that has to catch up from nothing for that. */
  readonly damage: string | undefined;
}

/**
 * Opens a node's replica. One that is damaged is set aside, when the leader says that the others
 * can do without it, and an empty one takes its place: the same member, which has lost its data,
 * and knows that. Until then no file is touched.
 *
 * Rejects with what `LogStore.open` does: where a write or a flush has failed, no file is touched
 * either.
 */
export async function openReplica(
  components: OpenReplicaComponents,
  options: OpenReplicaOptions,
): Promise<OpenedReplica> {
  try {
    return await openOrBeginAnew(components, options);
  } catch (thrown) {
    const error = DleError.from(thrown);
    throw isOfDisk(error) ? withDiskAdvice(error, options.directory) : error;
  }
}

async function openOrBeginAnew(
  components: OpenReplicaComponents,
  options: OpenReplicaOptions,
): Promise<OpenedReplica> {
  const { logger } = components;
  const { directory } = options;
  const identity = await readIdentity(components, directory);
  const damage = await finishFreshStore(components, directory);
  try {
    const { lastSegment = 0 } = identity ?? {};
    // One that was begun anew has another log.
    const reachesSegment = damage === undefined ? lastSegment : 0;
    const replica = await Replica.open(components, { ...options, reachesSegment });
    return { replica, identity, damage };
  } catch (thrown) {
    const error = DleError.from(thrown);
    if (!isDamage(error)) throw error;
    logger.error({ code: error.code }, `the data is damaged: ${error.message}`);
    await beginAnew(components, options, identity, error);
    return { replica: await Replica.open(components, options), identity, damage: error.message };
  }
}

/** Rejects with `damage`, and what to do about it, where the others cannot help. */
async function beginAnew(
  components: OpenReplicaComponents,
  { directory, id, hints, signal }: OpenReplicaOptions,
  identity: Identity | undefined,
  damage: DleError,
): Promise<void> {
  if (identity === undefined) throw withAdvice(damage, 'who it belongs to cannot be read either');
  if (!canBeRepaired(identity, id)) {
    throw withAdvice(damage, 'the other members are too few to make it whole again');
  }
  const { instance, cluster, termCeiling, addresses } = identity;
  const states = lostDataStates(new Map([[CLUSTER_STATE, toBytes(cluster)]]), termCeiling);
  const store = { storeId: instance, states };
  const self = { id, instance, address: '' };
  const places = { cluster, addresses: [...new Set([...addresses, ...hints])] };
  for (;;) {
    const permission = await awaitPermission(components, self, places, signal);
    if (typeof permission === 'string') throw withAdvice(damage, permission);
    const { until } = permission;
    if (await beginFreshStore(components, directory, store, damage.message, until)) return;
  }
}

function withDiskAdvice(cause: DleError, directory: string): DleError {
  const { code, details, retryable, effect } = cause;
  const advice =
    code === 'DLE_DISK_FULL'
      ? 'make room on the disk'
      : 'look at the disk and what the system logs';
  const text = `${cause.message}. The data in ${directory} is left as it is: ${advice}`;
  return new DleError(code, text, {
    ...{ cause: cause.cause, retryable, effect },
    ...(details !== undefined && { details }),
  });
}

function withAdvice(error: DleError, why: string): DleError {
  const { code, message, details } = error;
  const text =
    `${message}. This node does not repair itself, for it might be needed as it is: ${why}. ` +
    'Bring the other members up and start it again; put a backup of its directory back; or, ' +
    "where others have the data, start an empty node under a new id with 'dle member replace'";
  // As a read that has failed is told from other failures by what the system says of it.
  const cause = error.cause ?? error;
  return new DleError(code, text, { cause, ...(details !== undefined && { details }) });
}
