import type { Dice } from './dice.js';
import type { SimCluster } from './sim-cluster.js';
import type { TestNode } from './test-node.js';

/** Whom to ask, and whom to harm. */
export class Choices {
  readonly #dice: Dice;
  readonly #cluster: SimCluster;

  constructor({ dice, cluster }: { dice: Dice; cluster: SimCluster }) {
    this.#dice = dice;
    this.#cluster = cluster;
  }

  anybody(): TestNode | undefined {
    const awake = this.awake;
    return awake.length === 0 ? undefined : this.#dice.pick(awake);
  }

  /** Mostly somebody who believes to lead: there may be several. */
  server(): TestNode | undefined {
    const awake = this.awake;
    const leaders = awake.filter((node) => node.leads);
    const choices = this.#dice.chance(0.9) ? leaders : awake;
    return choices.length === 0 ? undefined : this.#dice.pick(choices);
  }

  get awake(): readonly TestNode[] {
    return this.#cluster.nodes.filter((node) => node.isUp && !this.#cluster.isPaused(node));
  }

  /** Faults hurt most where a leader is, and where something is not on the device yet. */
  victim(): TestNode | undefined {
    const { awake } = this;
    if (awake.length === 0) return undefined;
    const busy = awake.filter((node) => node.log.unflushed > 0);
    const leading = awake.filter((node) => node.leads);
    const choices = this.#dice.pick([awake, busy, leading]);
    return this.#dice.pick(choices.length === 0 ? awake : choices);
  }
}
