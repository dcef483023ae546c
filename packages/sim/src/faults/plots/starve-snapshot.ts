import { coreOf, leaderOf } from '../../cluster/at-rest.js';
import type { Machine } from '../../cluster/machine.js';
import type { SimCluster } from '../../cluster/sim-cluster.js';
import { type Course, electionMs, shortWhile, until } from '../director.js';
import type { Strike } from '../strike.js';

/** Most bytes of room where a snapshot arrives. */
const MAX_ROOM = 1_000;

/** Where a snapshot is on its way to, there is no room for it, for a while. */
export function* starveSnapshot({ cluster, dice }: Strike): Course {
  yield until(() => receiverOf(cluster) !== undefined, 2 * electionMs(cluster));
  const receiver = receiverOf(cluster);
  if (receiver === undefined) return false;
  const { vfs } = receiver;
  cluster.meddle(receiver);
  vfs.capacityBytes = vfs.usedBytes + dice.magnitude(MAX_ROOM);
  try {
    yield until(() => receiverOf(cluster) !== receiver, electionMs(cluster));
  } finally {
    cluster.schedule(shortWhile(cluster, dice, 1), () => {
      vfs.capacityBytes = Number.POSITIVE_INFINITY;
    });
  }
  return true;
}

/** Who is being brought a snapshot. */
function receiverOf(cluster: SimCluster): Machine | undefined {
  const leader = leaderOf(cluster.machines);
  const peers = (leader && coreOf(leader)?.status().peers) ?? [];
  const peer = peers.find(({ state }) => state === 'snapshot');
  return cluster.machines.find(({ id, isRunning }) => id === peer?.id && isRunning);
}
