import { Client } from '@dle/client';
import { type Clock, type DleErrorCode, isDleError, silentLogger } from '@dle/common';
import type { SimEvent } from '../checks/coverage.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import { Dice } from '../dice.js';
import type { Change, OperatorPlan } from '../plan.js';
import { EXPECTED_CODES } from './expected-codes.js';

const TIMEOUT_MS = 3_000;
/** Longest rest between two of the last changes, in milliseconds. */
const MOST_REST_MS = 500;
/** What a change may come to besides. */
const REFUSALS: readonly DleErrorCode[] = ['DLE_CHANGE_REFUSED', 'DLE_TRANSFER_FAILED'];

const DONE: Readonly<Record<Change, SimEvent>> = {
  transfer: 'leadership transferred',
  add: 'member added',
  promote: 'member promoted',
  remove: 'member removed',
  replace: 'member replaced',
};

/** Hands leadership over and changes the members, now and then. */
export class Operator {
  readonly problems: string[] = [];
  readonly #cluster: SimCluster;
  readonly #plan: OperatorPlan;
  readonly #dice: Dice;
  readonly #client: Client;
  #changesLeft = Number.POSITIVE_INFINITY;
  #working = true;
  #wake: () => void = () => {};

  constructor(cluster: SimCluster, plan: OperatorPlan, host: number) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#dice = new Dice(cluster.dice.random.nextUint32(), 0);
    const life = cluster.makeLife();
    const { clock } = life;
    const { random } = this.#dice;
    const sockets = cluster.network.socketsOf(life, host);
    const endpoints = cluster.machines.map(({ address }) => address);
    this.#client = new Client({ clock, random, logger: silentLogger, sockets }, { endpoints });
    void this.#work(clock);
  }

  get isWorking(): boolean {
    return this.#working;
  }

  /** Its end comes after so many more changes, without delay. */
  finish(changes: number): void {
    this.#changesLeft = changes;
    this.#wake();
  }

  async #work(clock: Clock): Promise<void> {
    const { changes, msBetweenChanges } = this.#plan;
    while (this.#changesLeft > 0) {
      const isFinishing = this.#changesLeft < Number.POSITIVE_INFINITY;
      const most = isFinishing ? MOST_REST_MS : 2 * msBetweenChanges;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        clock.setTimer(resolve, this.#dice.between(1, most));
      });
      if (this.#changesLeft-- > 0) await this.#change(this.#dice.pick(changes));
    }
    await this.#client.close();
    this.#working = false;
  }

  async #change(change: Change): Promise<void> {
    const { machines, coverage } = this.#cluster;
    const one = this.#dice.pick(machines);
    const spares = machines.filter(({ isSpare }) => isSpare);
    const spare = this.#dice.pick(this.#dice.chance(0.9) && spares.length > 0 ? spares : machines);
    if (change === 'replace' && spare === one) return;
    const what = describe(change, one.id, spare.id);
    try {
      await this.#ask(change, one.id, spare);
      coverage.count(DONE[change]);
      this.#cluster.say('operator', `${what}: done`);
    } catch (thrown) {
      if (!isDleError(thrown, ...EXPECTED_CODES, ...REFUSALS)) {
        this.problems.push(`the operator got: ${thrown}`);
      }
      const refused = isDleError(thrown, ...REFUSALS);
      coverage.count(refused ? 'change or transfer refused' : 'change or transfer not answered');
      this.#cluster.say('operator', `${what}: ${thrown}`);
    }
  }

  #ask(change: Change, id: number, spare: { id: number; address: string }): Promise<unknown> {
    const options = { timeoutMs: TIMEOUT_MS };
    switch (change) {
      case 'transfer':
        return this.#client.transferLeadership(this.#dice.chance(0.5) ? id : undefined, options);
      case 'add':
        return this.#client.addMember(spare.id, spare.address, options);
      case 'promote':
        return this.#client.promoteMember(spare.id, options);
      case 'remove':
        return this.#client.removeMember(id, options);
      case 'replace':
        return this.#client.replaceMember(id, spare.id, spare.address, options);
    }
  }
}

function describe(change: Change, one: number, spare: number): string {
  if (change === 'replace') return `replace ${one} by ${spare}`;
  return `${change} ${change === 'add' || change === 'promote' ? spare : one}`;
}
