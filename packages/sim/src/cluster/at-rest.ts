import type { Machine } from './machine.js';
import type { SimCluster } from './sim-cluster.js';

interface Leader {
  readonly id: number;
  readonly term: number;
  readonly commit: number;
}

/** Whether all nodes follow one leader and have applied what is committed up to `index`. */
export function isServing({ machines }: SimCluster, index: number): boolean {
  const leader = leaderOf(machines);
  if (leader === undefined) return false;
  return machines.every(({ node }) => {
    const { store, consensus } = node?.internals ?? {};
    if (consensus === undefined || consensus.raft.stopped !== undefined) return false;
    const { core } = consensus.raft;
    const isFollowing = core.leader === leader.id && core.term === leader.term;
    return isFollowing && store!.appliedIndex >= index;
  });
}

/** Whether, besides, all nodes hold, know and have applied the same, and nothing is under way. */
export function isSettled(cluster: SimCluster): boolean {
  const leader = leaderOf(cluster.machines);
  if (leader === undefined || !isServing(cluster, leader.commit)) return false;
  return cluster.machines.every(({ node }) => {
    const { store, consensus } = node!.internals;
    const { commit } = consensus!.raft.core;
    return commit === leader.commit && store.log.lastIndex === commit;
  });
}

function leaderOf(machines: readonly Machine[]): Leader | undefined {
  const leader = machines.find(({ node }) => node?.internals.consensus?.raft.isLeader);
  return leader?.node?.internals.consensus?.raft.core;
}
