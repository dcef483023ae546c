import type { DleNode } from '@dle/server';
import { coreOf, leaderOf, settledConfiguration } from '../cluster/at-rest.js';
import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import { type Cue, electionMs, until } from './director.js';

type Log = DleNode['internals']['store']['log'];

/** Those that vote, by a configuration that is in force; none while nobody knows it. */
function votersOf(cluster: SimCluster): readonly Machine[] {
  const { voters = [] } = settledConfiguration(cluster) ?? {};
  return cluster.machines.filter(({ id }) => voters.includes(id));
}

/** The log of a node that takes part. */
export function logOf(machine: Machine): Log | undefined {
  return coreOf(machine) && machine.node?.internals.store.log;
}

/** A leader, those that vote beside it, and its term. */
export interface Standing {
  readonly leader: Machine;
  readonly others: readonly Machine[];
  readonly term: number;
}

/** How three voters or more stand once one of them leads; undefined: they are fewer. */
export function* standing(cluster: SimCluster): Generator<Cue, Standing | undefined, void> {
  yield until(() => leaderOf(votersOf(cluster)) !== undefined, electionMs(cluster));
  const voters = votersOf(cluster);
  const leader = leaderOf(voters);
  if (leader === undefined || voters.length < 3) return undefined;
  const others = voters.filter((machine) => machine !== leader);
  return { leader, others, term: coreOf(leader)!.term };
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
