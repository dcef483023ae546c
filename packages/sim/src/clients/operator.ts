import { Client } from '@dle/client';
import { type Clock, type DleErrorCode, isDleError, silentLogger } from '@dle/common';
import type { SimEvent } from '../checks/coverage.js';
import { settledConfiguration } from '../cluster/at-rest.js';
import type { Machine } from '../cluster/machine.js';
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
  /** Machines that were refused for having been members before. */
  readonly #retired = new Set<Machine>();
  #changesLeft = Number.POSITIVE_INFINITY;
  #isSure = true;
  #isChanging = false;
  #isHeld = false;
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

  /** Whether it knows that no change it has asked for is still to come. */
  get isSure(): boolean {
    return this.#isSure;
  }

  /** Whether it waits for the outcome of a change. */
  get isChanging(): boolean {
    return this.#isChanging;
  }

  /** It begins no change until it may go on, but to replace who has lost its disk. */
  hold(): void {
    this.#isHeld = true;
  }

  goOn(): void {
    this.#isHeld = false;
  }

  /** Whatever it waits for before its next change is over. */
  hurry(): void {
    this.#wake();
  }

  /** Its end comes after so many more changes, without delay. */
  finish(changes: number): void {
    this.#changesLeft = changes;
    this.#wake();
  }

  async #work(clock: Clock): Promise<void> {
    const { changes, msBetweenChanges } = this.#plan;
    const { wiped } = this.#cluster;
    while (this.#changesLeft > 0 || wiped.size > 0) {
      const isFinishing = this.#changesLeft < Number.POSITIVE_INFINITY;
      const most = isFinishing || wiped.size > 0 ? MOST_REST_MS : 2 * msBetweenChanges;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        clock.setTimer(resolve, this.#dice.between(1, most));
      });
      const [lost] = wiped;
      if (lost !== undefined) await this.#replaceLost(lost);
      else if (this.#isHeld) continue;
      else if (this.#changesLeft-- > 0) await this.#change(this.#dice.pick(changes));
    }
    await this.#client.close();
    this.#working = false;
  }

  /** Nothing else is changed until a machine without its disk is no member any more. */
  async #replaceLost(lost: Machine): Promise<void> {
    const configuration = settledConfiguration(this.#cluster);
    if (configuration === undefined) return;
    const { voters, learners = [] } = configuration;
    const ids = [...voters, ...learners];
    if (!ids.includes(lost.id)) {
      this.#isSure = true;
      this.#cluster.replaced(lost);
      return;
    }
    const spare = this.#cluster.machines.find(
      (machine) =>
        machine.isRunning &&
        !ids.includes(machine.id) &&
        !this.#cluster.removed.has(machine) &&
        !this.#retired.has(machine),
    );
    await this.#try(spare === undefined ? 'remove' : 'replace', lost, spare ?? lost);
  }

  async #change(change: Change): Promise<void> {
    const { machines, harmed } = this.#cluster;
    // Of two, one that is damaged cannot begin anew: the others have to be a majority.
    if (change === 'remove' && harmed.size > 0) return;
    const one = this.#dice.pick(machines);
    const spares = machines.filter(({ isSpare }) => isSpare);
    const spare = this.#dice.pick(this.#dice.chance(0.9) && spares.length > 0 ? spares : machines);
    if (change === 'replace' && spare === one) return;
    await this.#try(change, one, spare);
  }

  async #try(change: Change, one: Machine, spare: Machine): Promise<void> {
    const { coverage } = this.#cluster;
    const what = describe(change, one.id, spare.id);
    // Who leads is no matter of who belongs to them.
    this.#isSure &&= change === 'transfer';
    this.#isChanging = true;
    try {
      await this.#ask(change, one.id, spare);
      this.#isSure ||= change !== 'transfer';
      coverage.count(DONE[change]);
      this.#cluster.say('operator', `${what}: done`);
    } catch (thrown) {
      if (!isDleError(thrown, ...EXPECTED_CODES, ...REFUSALS)) {
        this.problems.push(`the operator got: ${thrown}`);
      }
      const refused = isDleError(thrown, ...REFUSALS);
      this.#isSure ||= refused && thrown.effect === 'none';
      if (refused && thrown.details?.reason === 'retired') this.#retired.add(spare);
      coverage.count(refused ? 'change or transfer refused' : 'change or transfer not answered');
      this.#cluster.say('operator', `${what}: ${thrown}`);
    } finally {
      this.#isChanging = false;
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
