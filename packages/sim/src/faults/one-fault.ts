import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';

const KINDS = ['crash', 'kill', 'pause', 'isolate', 'hangDisk'] as const;
/** Longer than anybody waits for it. */
const FOR_EVER_MS = 1_000_000;

/** One node of a cluster that is well otherwise fails in one way, until that ends. */
export class OneFault {
  /** For people. */
  readonly what: string;
  readonly #cluster: SimCluster;
  readonly #machine: Machine;

  constructor(cluster: SimCluster, voters: readonly number[], clientHosts: readonly number[]) {
    const { dice, machines, network } = cluster;
    this.#cluster = cluster;
    const ids = machines.map(({ id }) => id);
    const among = machines.filter(({ id }) => voters.includes(id));
    const leading = among.filter(({ node }) => node?.internals.consensus?.raft.isLeader);
    const machine = dice.pick(leading.length > 0 && dice.chance(0.6) ? leading : among);
    const kind = dice.pick(KINDS);
    this.#machine = machine;
    this.what = `${machine.name} meets ${kind}`;
    cluster.say(machine.name, `meets ${kind}, and nothing else happens`);
    switch (kind) {
      case 'crash':
        machine.crash();
        break;
      case 'kill':
        machine.kill();
        break;
      case 'pause':
        machine.pause(FOR_EVER_MS);
        break;
      case 'isolate': {
        const others = ids.filter((id) => id !== machine.id);
        network.links.split([machine.id], [...others, ...clientHosts]);
        break;
      }
      case 'hangDisk':
        machine.device.hang(FOR_EVER_MS);
        break;
    }
  }

  end(): void {
    const machine = this.#machine;
    const { network } = this.#cluster;
    this.#cluster.say(machine.name, 'is well again');
    network.links.heal();
    machine.goOn();
    machine.device.calmDown();
    if (!machine.isRunning) this.#cluster.start(machine);
  }
}
