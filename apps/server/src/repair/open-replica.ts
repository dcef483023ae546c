import { join } from 'node:path';
import { DleError, type Logger, toBytes } from '@dle/common';
import { lostDataStates } from '@dle/raft';
import type { Vfs } from '@dle/storage/internal';
import { Replica, type ReplicaComponents, type ReplicaOptions } from '../replica/replica.js';
import { isDamage } from './damage.js';
import { beginFreshStore, finishFreshStore } from './fresh-store.js';
import { canBeRepaired, type Identity, readIdentity } from './identity.js';

/**
 * Local state in which a node keeps its cluster's id, until the configuration reaches it, and for
 * when that is lost.
 */
export const CLUSTER_STATE = 'cluster';

const SEGMENT_NAME = /^([0-9a-f]{16})\.segment$/;

export interface OpenReplicaComponents extends ReplicaComponents {
  readonly vfs: Vfs;
  readonly logger: Logger;
}

export interface OpenReplicaOptions extends ReplicaOptions {
  /** Of the node. */
  readonly id: number;
}

export interface OpenedReplica {
  readonly replica: Replica;
  /** As it was found. */
  readonly identity: Identity | undefined;
  /** What is damaged, of a replica that has to catch up from nothing for that. */
  readonly damage: string | undefined;
}

/**
 * Opens a node's replica. One that is damaged is set aside, if the other members can make it whole
 * again, and an empty one takes its place: the same member, which has lost its data, and knows
 * that.
 *
 * Rejects with what `LogStore.open` does.
 */
export async function openReplica(
  components: OpenReplicaComponents,
  options: OpenReplicaOptions,
): Promise<OpenedReplica> {
  const { vfs, logger } = components;
  const { directory, id } = options;
  const identity = await readIdentity(components, directory);
  const damage = await finishFreshStore(components, directory);
  try {
    if (damage === undefined) await checkNewestSegment(vfs, directory, identity);
    return { replica: await Replica.open(components, options), identity, damage };
  } catch (thrown) {
    const error = DleError.from(thrown);
    if (!isDamage(error)) throw error;
    if (identity === undefined || !canBeRepaired(identity, id)) throw withAdvice(error, identity);
    logger.error({ code: error.code }, `the data is damaged, and fetched anew: ${error.message}`);
    const { instance, cluster, termCeiling } = identity;
    const states = lostDataStates(new Map([[CLUSTER_STATE, toBytes(cluster)]]), termCeiling);
    await beginFreshStore(components, directory, { storeId: instance, states }, error.message);
    return { replica: await Replica.open(components, options), identity, damage: error.message };
  }
}

/** Id of the newest segment of the log in `directory`; 0: there is none. */
export async function newestSegment(vfs: Vfs, directory: string): Promise<number> {
  const ids = (await vfs.list(directory)).map((name) => {
    const digits = SEGMENT_NAME.exec(name)?.[1];
    return digits === undefined ? 0 : Number.parseInt(digits, 16);
  });
  return Math.max(0, ...ids);
}

/** A log without its end looks as if it had never been there. */
async function checkNewestSegment(
  vfs: Vfs,
  directory: string,
  identity: Identity | undefined,
): Promise<void> {
  const { lastSegment = 0 } = identity ?? {};
  if (lastSegment === 0 || (await newestSegment(vfs, directory)) >= lastSegment) return;
  const name = `${lastSegment.toString(16).padStart(16, '0')}.segment`;
  throw new DleError('DLE_CORRUPT', `${join(directory, name)}, the end of the log, is missing`);
}

function withAdvice(error: DleError, identity: Identity | undefined): DleError {
  const { code, message, details } = error;
  const why =
    identity === undefined
      ? 'who it belongs to cannot be read either'
      : 'the other members are too few to make it whole again';
  const text =
    `${message}. This node cannot repair itself: ${why}. Put a backup of its directory back or, ` +
    "where others have the data, start an empty node under a new id with 'dle member replace'";
  return new DleError(code, text, { cause: error, ...(details !== undefined && { details }) });
}
