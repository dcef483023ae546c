import type { DleNode } from '@dle/server';
import { settledConfiguration } from '../cluster/at-rest.js';
import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';

type Core = NonNullable<DleNode['internals']['consensus']>['raft']['core'];
type Log = DleNode['internals']['store']['log'];

/** Those that vote, by a configuration that is in force; none while nobody knows it. */
export function votersOf(cluster: SimCluster): readonly Machine[] {
  const { voters = [] } = settledConfiguration(cluster) ?? {};
  return cluster.machines.filter(({ id }) => voters.includes(id));
}

/** The core of a node that takes part. */
export function coreOf({ node }: Machine): Core | undefined {
  const raft = node?.internals.consensus?.raft;
  return raft?.stopped === undefined ? raft?.core : undefined;
}

/** The log of a node that takes part. */
export function logOf(machine: Machine): Log | undefined {
  return coreOf(machine) && machine.node?.internals.store.log;
}

/** Whoever of them leads; of several, the one of the highest term. */
export function leaderOf(machines: readonly Machine[]): Machine | undefined {
  const leading = machines.filter((machine) => coreOf(machine)?.role === 'leader');
  return leading.sort((one, other) => coreOf(other)!.term - coreOf(one)!.term)[0];
}

/** Whether `machine` leads a term above `term`. */
export function leadsAfter(machine: Machine | undefined, term: number): boolean {
  const core = machine && coreOf(machine);
  return core?.role === 'leader' && core.term > term;
}

/** `group` hears nobody but itself, and all others hear nobody; clients reach everybody. */
export function keepTogether({ machines, network }: SimCluster, group: readonly Machine[]): void {
  network.links.heal();
  for (const { id } of machines.filter((machine) => !group.includes(machine))) {
    network.links.split(
      [id],
      machines.map((machine) => machine.id).filter((other) => other !== id),
    );
  }
}
