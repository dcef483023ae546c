import type { Configuration } from '@dle/raft';
import type { DleNode } from '@dle/server';
import type { Machine } from './machine.js';
import type { SimCluster } from './sim-cluster.js';

type Core = NonNullable<DleNode['internals']['consensus']>['raft']['core'];

/** The members by the configuration of the leader; none while there is no leader. */
export function membersOf({ machines }: SimCluster): readonly Machine[] {
  const { voters = [], outgoing = [], learners = [] } = configurationOf(leadingCore(machines));
  const ids = new Set([...voters, ...outgoing, ...learners]);
  return machines.filter(({ id }) => ids.has(id));
}

/** Whether all members follow one leader and have applied what is committed up to `index`. */
export function isServing(cluster: SimCluster, index: number): boolean {
  const leader = leadingCore(cluster.machines);
  if (leader === undefined) return false;
  return membersOf(cluster).every((machine) => {
    const core = coreOf(machine);
    if (core?.leader !== leader.id || core.term !== leader.term) return false;
    return machine.node!.internals.store.appliedIndex >= index;
  });
}

/**
 * Whether, besides, all members hold, know and have applied the same, and nothing is under way, nor
 * a change of them half done.
 */
export function isSettled(cluster: SimCluster): boolean {
  const leader = leadingCore(cluster.machines);
  if (leader === undefined || !isServing(cluster, leader.commit)) return false;
  if (configurationOf(leader).outgoing !== undefined) return false;
  return membersOf(cluster).every(({ node }) => {
    const { store, consensus } = node!.internals;
    const { commit } = consensus!.raft.core;
    return commit === leader.commit && store.log.lastIndex === commit;
  });
}

/** Whether no member has to catch up with what it had lost. */
export function isWhole(cluster: SimCluster): boolean {
  return membersOf(cluster).every(({ node }) => {
    const core = node?.internals.consensus?.raft.core;
    return core !== undefined && !core.lostData && node!.status().repair.damage === undefined;
  });
}

/** The configuration, once no change of it is under way; else undefined. */
export function settledConfiguration({ machines }: SimCluster): Configuration | undefined {
  const leader = leadingCore(machines);
  const present = leader?.configuration;
  if (leader === undefined || present === undefined || present.index > leader.commit) {
    return undefined;
  }
  return present.configuration.outgoing === undefined ? present.configuration : undefined;
}

function configurationOf(core: Core | undefined): Configuration {
  return core?.configuration?.configuration ?? { voters: [] };
}

/** The core of a node that takes part. */
export function coreOf({ node }: Machine): Core | undefined {
  const raft = node?.internals.consensus?.raft;
  return raft?.stopped === undefined ? raft?.core : undefined;
}

/** Whoever of them leads; of several, the one of the highest term: an older one may not know. */
export function leaderOf(machines: readonly Machine[]): Machine | undefined {
  let leader: Machine | undefined;
  for (const machine of machines) {
    const core = coreOf(machine);
    if (core?.role !== 'leader') continue;
    if (leader === undefined || core.term > coreOf(leader)!.term) leader = machine;
  }
  return leader;
}

function leadingCore(machines: readonly Machine[]): Core | undefined {
  const leader = leaderOf(machines);
  return leader && coreOf(leader);
}
