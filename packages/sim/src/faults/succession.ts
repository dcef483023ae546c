import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import type { Dice } from '../dice.js';

/** Most leaders that one succession takes away. */
const MOST_LEADERS = 12;
/** Most ways of a packet for which a leader is left to work. */
const MOST_WAYS = 40;

/**
 * Takes leader after leader away, soon after it was elected, and lets the one before come back: so
 * entries of many terms come to lie in the logs, that few hold and nobody has committed. What may
 * be concluded from such entries, and what not, is where most of the rules of Raft come from (paper
 * figure 8).
 */
export class Succession {
  readonly #cluster: SimCluster;
  #dice: Dice | undefined;
  #left = 0;
  #stopped = false;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    cluster.onLeader((machine) => this.#elected(machine));
  }

  /** The next leaders are to go, the present one first. */
  begin(dice: Dice): void {
    this.#dice = dice;
    this.#left = dice.between(2, MOST_LEADERS);
    const leading = this.#cluster.machines.find(
      ({ node }) => node?.internals.consensus?.raft.isLeader === true,
    );
    if (leading !== undefined) this.#elected(leading);
  }

  stop(): void {
    this.#left = 0;
    this.#stopped = true;
  }

  #elected(machine: Machine): void {
    const dice = this.#dice;
    if (dice === undefined || this.#left === 0) return;
    this.#left--;
    if (this.#left === 0) this.#endLater(dice);
    const { life } = machine;
    this.#cluster.schedule(this.#patience(dice), () => {
      if (this.#stopped || machine.life !== life || life.gone) return;
      this.#cluster.say(machine.name, 'is taken away, as the leader');
      this.#takeAway(machine, dice);
    });
  }

  /** Often too short for an entry to reach anybody, or for the answer to come back. */
  #patience(dice: Dice): number {
    const { maxLatencyMs } = this.#cluster.network.plan;
    const lot = dice.between(0, 9);
    if (lot < 3) return 0;
    if (lot < 8) return dice.within(0, maxLatencyMs * dice.magnitude(MOST_WAYS));
    return dice.within(0, this.#cluster.timeouts(2));
  }

  #endLater(dice: Dice): void {
    this.#cluster.schedule(dice.within(0, this.#cluster.timeouts(8)), () => {
      this.#cluster.network.links.heal();
    });
  }

  /** Clients still reach it, unless it crashes. */
  #takeAway(machine: Machine, dice: Dice): void {
    const { network, machines } = this.#cluster;
    const others = machines.filter((other) => other !== machine).map(({ id }) => id);
    if (dice.chance(0.9)) network.links.heal();
    if (dice.chance(0.15)) {
      machine.crash();
      this.#cluster.startLater(machine);
    } else network.links.split([machine.id], others);
  }
}
