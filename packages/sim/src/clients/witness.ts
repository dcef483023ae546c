import type { ReadLevel } from '@dle/client';
import { isDleError } from '@dle/common';
import { type History, nameOfPayload, PinnedClient, payloadOf } from '@dle/server/testing';
import type { Machine } from '../cluster/machine.js';
import type { SimCluster } from '../cluster/sim-cluster.js';
import { Dice } from '../dice.js';
import type { Life } from '../time/life.js';
import { EXPECTED_CODES } from './expected-codes.js';

/** What it writes; nobody else does. */
const KEY = 'witness';
/** The levels of reads that see all that was acknowledged before; most matter at who has led. */
const LEVELS: readonly ReadLevel[] = ['lease', 'lease', 'linearizable', 'follower'];
const WRITE_TIMEOUT_MS = 1_000;
/** So short for the same reason as those of other clients that stay with one node. */
const READ_TIMEOUT_MS = 250;
const TRIES = 4;
const BYTES = 40;

/**
 * A client that each new leader meets at once: it writes there, and asks all others for what it has
 * written. Whoever still believes that it leads, or takes itself to be up to date, is asked in the
 * moment in which that is most often wrong.
 */
export class Witness {
  readonly problems: string[] = [];
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #dice: Dice;
  readonly #life: Life;
  readonly #clients: ReadonlyMap<Machine, PinnedClient>;
  #writes = 0;
  #working = 0;
  #stopped = false;

  constructor(cluster: SimCluster, history: History, host: number) {
    this.#cluster = cluster;
    this.#history = history;
    this.#dice = new Dice(cluster.dice.random.nextUint32(), 0);
    this.#life = cluster.makeLife();
    const life = this.#life;
    const sockets = cluster.network.socketsOf(life, host);
    const components = { clock: life.clock, random: this.#dice.random, sockets };
    this.#clients = new Map(
      cluster.machines.map((machine) => [machine, new PinnedClient(components, machine.address)]),
    );
    cluster.onLeader((machine) => {
      if (!this.#stopped) void this.#meet(machine);
    });
  }

  get isWorking(): boolean {
    return this.#working > 0;
  }

  /** It asks nobody any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#working++;
    await Promise.all(Array.from(this.#clients.values(), (client) => client.close()));
    this.#working--;
  }

  async #meet(leader: Machine): Promise<void> {
    this.#working++;
    for (let tries = TRIES; tries > 0 && !this.#stopped; tries--) {
      if (!(await this.#write(leader))) continue;
      // What begins in the moment in which it ended might as well have begun before.
      await new Promise<void>((resolve) => this.#life.clock.setTimer(resolve, 1));
      const others = this.#cluster.machines.filter((machine) => machine !== leader);
      await Promise.all(others.map((machine) => this.#read(machine)));
      break;
    }
    this.#working--;
  }

  #write(machine: Machine): Promise<boolean> {
    const value = `witness.${++this.#writes}`;
    const intent = { client: `witness at ${machine.id}`, key: KEY, kind: 'put', value } as const;
    const client = this.#clients.get(machine)!;
    return this.#record(intent, () => client.put(KEY, payloadOf(value, BYTES), WRITE_TIMEOUT_MS));
  }

  #read(machine: Machine): Promise<boolean> {
    const level = this.#dice.pick(LEVELS);
    const intent = { client: `witness at ${machine.id}`, key: KEY, kind: 'get' } as const;
    const client = this.#clients.get(machine)!;
    return this.#record(intent, async () => {
      const found = await client.get(KEY, READ_TIMEOUT_MS, level);
      return { value: found && nameOfPayload(found) };
    });
  }

  async #record(
    intent: Parameters<History['record']>[0],
    call: Parameters<History['record']>[1],
  ): Promise<boolean> {
    const outcome = await this.#history.record(intent, async () => {
      try {
        return await call();
      } catch (thrown) {
        if (!isDleError(thrown, ...EXPECTED_CODES)) this.problems.push(`a witness got: ${thrown}`);
        throw thrown;
      }
    });
    const { value, error } = this.#history.operations.at(-1)!;
    this.#cluster.say(intent.client, `${intent.kind} ${outcome}: ${error ?? value ?? 'nothing'}`);
    return outcome === 'ok';
  }
}
