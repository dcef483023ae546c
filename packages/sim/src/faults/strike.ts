import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import type { Dice } from '../dice.js';

/** A fault on its way to somebody. */
export interface Strike {
  readonly cluster: SimCluster;
  readonly dice: Dice;
  /** Whom it befalls first of all; it runs. */
  readonly machine: Machine;
  /** Everybody who runs. */
  readonly running: readonly Machine[];
  /** Hosts of clients. */
  readonly clientHosts: readonly number[];
}

/** Returns whether there was anything to be done. */
export type FaultAction = (strike: Strike) => boolean;
