import type { Choices } from './choices.js';
import type { Dice } from './dice.js';
import type { Fault, FaultPlan } from './fault-plan.js';
import type { SimCluster } from './sim-cluster.js';
import type { TestNode } from './test-node.js';

/** Old messages that come at once. */
const REPLAYED = 10;

/** Does to a cluster what a plan has in store for it. */
export class Faults {
  readonly #dice: Dice;
  readonly #cluster: SimCluster;
  readonly #choices: Choices;
  readonly #plan: FaultPlan;
  #isOver = false;
  /** Nobody proposes anything until then. */
  quietUntil = 0;

  constructor(components: { dice: Dice; cluster: SimCluster; choices: Choices }, plan: FaultPlan) {
    this.#dice = components.dice;
    this.#cluster = components.cluster;
    this.#choices = components.choices;
    this.#plan = plan;
  }

  /** What is still to come of earlier ones does not come any more. */
  end(): void {
    this.#isOver = true;
  }

  inflict(fault: Fault): void {
    const node = this.#choices.victim();
    if (node === undefined) return;
    switch (fault) {
      case 'crash':
        this.#cluster.crash(node);
        this.#restartLater(node);
        break;
      case 'failLog':
        this.#cluster.failLog(node);
        this.#restartLater(node);
        break;
      case 'wipe':
        this.#wipe(node);
        break;
      case 'pause':
        this.#cluster.pause(node, this.#dice.between(1, 4 * this.#plan.options.electionTimeoutMs));
        break;
      case 'campaign':
        this.#cluster.campaign(node);
        break;
      case 'transfer':
        this.#transfer();
        break;
      case 'stealVoters':
        this.#stealVoters();
        break;
      case 'strand':
        this.#strand();
        break;
      case 'replay':
        this.#cluster.replay(node, REPLAYED);
        break;
      case 'bounce':
        this.#bounce(node);
        break;
      case 'transferAndDeafen': {
        const leader = this.#transfer();
        // Once the invitation is out.
        this.#cluster.schedule(1, () => {
          if (leader !== undefined && !this.#isOver) this.#deafen(leader);
        });
        break;
      }
      default:
        this.#disconnect(fault, node);
    }
  }

  /**
   * At most one disk at a time, and only where another voter holds what was committed, whichever
   * configuration will come into force.
   */
  #wipe(node: TestNode): void {
    const { nodes, invariants } = this.#cluster;
    if (nodes.some(({ log }) => log.durable.lostData)) return;
    const { possibleConfigurations } = invariants;
    const isSafe = possibleConfigurations.every(
      ({ voters, outgoing = voters }) => Math.min(voters.length, outgoing.length) > 1,
    );
    if (possibleConfigurations.length === 0 || !isSafe) return;
    this.#cluster.wipe(node);
    this.#restartLater(node);
  }

  #transfer(): TestNode | undefined {
    const leader = this.#choices.server();
    const target = this.#dice.pick([{ id: 0 }, ...this.#cluster.nodes]).id;
    if (leader !== undefined) this.#cluster.transfer(leader, target);
    return leader;
  }

  /**
   * Somebody loses touch with the leader, and when it is about to ask for votes, so does everybody
   * else, and those who have acknowledged the leader last restart. Would they vote now, there were
   * a new leader while the lease of the old one holds.
   */
  #stealVoters(): void {
    const { nodes, links } = this.#cluster;
    const leader = nodes.find((node) => node.leads);
    if (leader === undefined) return;
    const others = nodes.filter((node) => node !== leader);
    const thief = this.#dice.pick(others.length === 0 ? nodes : others);
    links.split([leader.id], [thief.id]);
    const { electionTimeoutMs } = this.#plan.options;
    // Or it would lack something, and not be elected.
    this.quietUntil = this.#cluster.now + 3 * electionTimeoutMs;
    this.#cluster.schedule(this.#dice.between(electionTimeoutMs, 2 * electionTimeoutMs), () => {
      if (this.#isOver || !leader.leads) return;
      links.split(
        [leader.id],
        others.map(({ id }) => id),
      );
      for (const node of others) {
        if (node === thief || !node.isUp) continue;
        this.#cluster.crash(node);
        this.#cluster.start(node);
      }
    });
  }

  /**
   * The leader loses touch with everybody, and one of them tries to replace it as soon as it may:
   * its lease must have ended by then. Its clock may be the slowest, and theirs the fastest.
   */
  #strand(): void {
    const { nodes, links } = this.#cluster;
    const leader = nodes.find((node) => node.leads);
    if (leader === undefined) return;
    const others = nodes.filter((node) => node !== leader);
    links.split(
      [leader.id],
      others.map(({ id }) => id),
    );
    // Several at once would be in each other's way.
    const [heir] = others
      .filter(({ isUp }) => isUp)
      .sort((some, other) => other.core.lastIndex - some.core.lastIndex);
    const { electionTimeoutMs } = this.#plan.options;
    for (let parts = 16; parts <= 24; parts++) {
      this.#cluster.schedule(Math.ceil((parts * electionTimeoutMs) / 16), () => {
        if (this.#isOver || !leader.leads || !heir?.isUp || this.#cluster.isPaused(heir)) return;
        if (heir.core.role === 'follower') this.#cluster.campaign(heir);
      });
    }
  }

  /**
   * What a leader is about to write stays with it alone, and outlives its memory: whoever votes for
   * it then knows nothing of it.
   */
  forsake(leader: TestNode): void {
    const { nodes, links } = this.#cluster;
    links.split(
      [leader.id],
      nodes.map(({ id }) => id).filter((id) => id !== leader.id),
    );
    this.#cluster.schedule(this.#plan.maxFlushMs + 1, () => {
      if (this.#isOver || !leader.isUp || this.#cluster.isPaused(leader)) return;
      this.#cluster.crash(leader);
      this.#restartLater(leader);
    });
  }

  /** Crashes, is back at once, and goes on as before: what it is told may be meant for its last life. */
  #bounce(node: TestNode): void {
    const { electionTimeoutMs } = this.#plan.options;
    const read = (): void => {
      if (!this.#isOver && node.isUp && !this.#cluster.isPaused(node)) {
        this.#cluster.read(node, 'follower');
        this.#cluster.replay(node, REPLAYED);
      }
    };
    read();
    this.#cluster.crash(node);
    this.#cluster.start(node);
    for (let eighth = 1; eighth <= 8; eighth++) {
      this.#cluster.schedule(Math.ceil((eighth * electionTimeoutMs) / 8), read);
    }
  }

  #deafen({ id }: TestNode): void {
    const { links, nodes } = this.#cluster;
    for (const other of nodes) if (other.id !== id) links.cut(other.id, id);
  }

  #restartLater(node: TestNode): void {
    const { electionTimeoutMs } = this.#plan.options;
    const longest = this.#dice.chance(0.3) ? electionTimeoutMs / 10 : 4 * electionTimeoutMs;
    this.#cluster.schedule(this.#dice.between(0, Math.floor(longest)), () => {
      if (!node.isUp) this.#cluster.start(node);
    });
  }

  #disconnect(
    fault: 'split' | 'isolate' | 'cutOneWay' | 'cutBothWays' | 'deafen' | 'heal',
    node: TestNode,
  ): void {
    const { id } = node;
    const { links, nodes } = this.#cluster;
    const others = nodes.map((node) => node.id).filter((other) => other !== id);
    if (fault === 'heal') links.heal();
    else if (fault === 'isolate') links.split([id], others);
    else if (fault === 'deafen') this.#deafen(node);
    else if (fault === 'cutBothWays') links.split([id], [this.#dice.pick([...others, id])]);
    else if (fault === 'cutOneWay' && others.length > 0) links.cut(id, this.#dice.pick(others));
    else if (fault === 'split') {
      const side = others.filter(() => this.#dice.chance(0.5));
      const otherSide = others.filter((other) => !side.includes(other));
      links.split([id, ...side], otherSide);
    }
  }
}
