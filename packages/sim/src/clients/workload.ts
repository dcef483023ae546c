import { Client, type ReadLevel } from '@dle/client';
import { isDleError, silentLogger } from '@dle/common';
import { type History, nameOfPayload, PinnedClient, payloadOf } from '@dle/server/testing';
import type { SimEvent } from '../checks/coverage.js';
import type { SimCluster } from '../cluster/sim-cluster.js';

import { Dice } from '../dice.js';
import type { WorkloadPlan } from '../plan.js';
import type { Life } from '../time/life.js';
import { EXPECTED_CODES } from './expected-codes.js';
import { Witness } from './witness.js';

/** Hosts of clients have numbers from here on. */
const FIRST_HOST = 256;
/** Nothing that befalls clients befalls this one. */
const WITNESS_HOST = 511;
/** Begins the keys that are written once. */
const ONCE = 'once/';
/** The levels of reads that see all that was acknowledged before. */
const LEVELS: readonly ReadLevel[] = ['linearizable', 'lease', 'follower'];
const REQUEST_TIMEOUT_MS = 2_500;
/**
 * Short: what a node answers first after a pause is then a question from the end of the pause, when
 * others may have acknowledged newer writes.
 */
const PINNED_READ_TIMEOUT_MS = 250;
const PINNED_WRITE_TIMEOUT_MS = 1_000;
const REST_AFTER_FAILURE_MS = 30;
interface Result {
  readonly value?: string | undefined;
  readonly existed?: boolean | undefined;
  readonly index?: number | undefined;
}

/** What one worker does its operations with. */
interface Hands {
  readonly put: (key: string, value: Uint8Array) => Promise<Result>;
  readonly del: (key: string) => Promise<Result>;
  readonly get: (key: string, level: ReadLevel) => Promise<Uint8Array | undefined>;
  readonly close: () => Promise<void>;
}

interface Worker {
  readonly hands: Hands;
  readonly name: string;
  readonly life: Life;
  readonly dice: Dice;
  /** An operation that began then has succeeded. */
  readonly served: (began: number) => void;
}

/** Clients that write, delete and read all the time, each one thing after the other. */
export class Workload {
  /** Where the clients are, by number; the one behind them is free. */
  readonly hosts: readonly number[];
  readonly #cluster: SimCluster;
  readonly #history: History;
  readonly #plan: WorkloadPlan;
  readonly #problems: string[] = [];
  readonly #witness: Witness;
  /** When the last operation began that succeeded, of each client that follows the leader. */
  readonly #served: number[] = [];
  #maxRestMs: number;
  #maxValueBytes: number;
  #stopped = false;
  #working = 0;

  constructor(cluster: SimCluster, history: History, plan: WorkloadPlan) {
    this.#cluster = cluster;
    this.#history = history;
    this.#plan = plan;
    this.#maxRestMs = plan.maxRestMs;
    this.#maxValueBytes = plan.maxValueBytes;
    const count = plan.followers + plan.pinned;
    this.hosts = Array.from({ length: count }, (_, at) => FIRST_HOST + at);
    for (const [at, host] of this.hosts.entries()) this.#begin(at, host);
    this.#witness = new Witness(cluster, history, WITNESS_HOST);
  }

  /** What clients got that they should not get. */
  get problems(): readonly string[] {
    return [...this.#problems, ...this.#witness.problems];
  }

  /** Clients that have not come to their end. */
  get working(): number {
    return this.#working + (this.#witness.isWorking ? 1 : 0);
  }

  /** Whether each client that follows the leader has begun, and ended well, something since then. */
  isServedSince(time: number): boolean {
    return this.#served.every((began) => began > time);
  }

  /** They take their time from now on: little is to be found out once the faults are over. */
  calmDown(): void {
    const { followers, pinned, maxValueBytes, maxRestMs } = this.#plan;
    const { windowBytes, maxLatencyMs } = this.#cluster.network.plan;
    this.#maxRestMs = Math.max(maxRestMs, this.#cluster.timeouts(1));
    // A quarter of what a connection can carry: whoever has to catch up needs the rest.
    const bytesPerMs = windowBytes / (2 * maxLatencyMs) / 4;
    const mostBytes = Math.ceil((bytesPerMs * this.#maxRestMs) / (followers + pinned));
    this.#maxValueBytes = Math.min(maxValueBytes, mostBytes);
  }

  /** They begin nothing new. */
  stop(): void {
    this.#stopped = true;
    void this.#witness.stop();
  }

  #begin(at: number, host: number): void {
    const life = this.#cluster.makeLife();
    const dice = new Dice(this.#cluster.dice.random.nextUint32(), 0);
    const isPinned = at >= this.#plan.followers;
    const name = isPinned ? `pinned ${at}` : `client ${at}`;
    this.#working++;
    if (!isPinned) this.#served[at] = 0;
    const hands = isPinned ? this.#pinned(life, host, dice) : this.#follower(life, host, dice);
    const served = (began: number): void => {
      if (!isPinned) this.#served[at] = began;
    };
    void this.#work({ hands, name, life, dice, served });
  }

  async #work({ hands, name: client, life, dice, served }: Worker): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const began = this.#cluster.time.now;
      const ok = await this.#operate(hands, client, `${client.replace(' ', '')}.${number}`, dice);
      if (ok) served(began);
      const restMs = ok ? dice.within(0, this.#maxRestMs) : REST_AFTER_FAILURE_MS;
      await new Promise<void>((resolve) => life.clock.setTimer(resolve, restMs));
    }
    await hands.close();
    this.#working--;
  }

  async #operate(hands: Hands, client: string, name: string, dice: Dice): Promise<boolean> {
    const shared = `k${dice.between(1, this.#plan.keys)}`;
    const lot = dice.between(0, 99);
    const kind = lot < 50 ? 'put' : lot < 60 ? 'del' : 'get';
    const key = lot < 15 ? ONCE + name : shared;
    const intent = { client, key, kind, ...(kind === 'put' ? { value: name } : {}) } as const;
    const bytes = dice.magnitude(this.#maxValueBytes);
    const level = dice.pick(LEVELS);
    const outcome = await this.#history.record(intent, () =>
      this.#checked(perform(hands, intent, bytes, level)),
    );
    this.#cluster.coverage.count(eventOf(kind, outcome));
    const { value, index, error } = this.#history.operations.at(-1)!;
    const result = error ?? `${value ?? 'nothing'}${index === undefined ? '' : ` at ${index}`}`;
    const what = kind === 'get' ? `${level} get` : kind;
    this.#cluster.say(client, `${what} ${key} ${outcome}: ${result}`);
    return outcome === 'ok';
  }

  async #checked(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (thrown) {
      if (!isDleError(thrown, ...EXPECTED_CODES)) this.#problems.push(`a client got: ${thrown}`);
      throw thrown;
    }
  }

  #follower(life: Life, host: number, dice: Dice): Hands {
    const { machines, network } = this.#cluster;
    const endpoints = machines.map(({ address }) => address);
    const sockets = network.socketsOf(life, host);
    const components = { clock: life.clock, random: dice.random, logger: silentLogger, sockets };
    const client = new Client(components, { endpoints, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    return {
      put: (key, value) => client.put(key, value),
      del: (key) => client.del(key),
      get: (key, level) => client.get(key, { level }),
      close: () => client.close(),
    };
  }

  #pinned(life: Life, host: number, dice: Dice): Hands {
    const { machines, network } = this.#cluster;
    const { address } = dice.pick(machines);
    const sockets = network.socketsOf(life, host);
    const client = new PinnedClient({ clock: life.clock, random: dice.random, sockets }, address);
    return {
      put: (key, value) => client.put(key, value, PINNED_WRITE_TIMEOUT_MS),
      del: (key) => client.del(key, PINNED_WRITE_TIMEOUT_MS),
      get: (key, level) => client.get(key, PINNED_READ_TIMEOUT_MS, level),
      close: () => client.close(),
    };
  }
}

function perform(
  hands: Hands,
  { kind, key, value }: { kind: 'put' | 'get' | 'del'; key: string; value?: string },
  bytes: number,
  level: ReadLevel,
): Promise<Result> {
  if (kind === 'put') return hands.put(key, payloadOf(value!, bytes));
  if (kind === 'del') return hands.del(key);
  return hands.get(key, level).then((found) => ({ value: found && nameOfPayload(found) }));
}

function eventOf(kind: 'put' | 'get' | 'del', outcome: 'ok' | 'unknown' | 'failed'): SimEvent {
  if (kind === 'get') return outcome === 'ok' ? 'get answered' : 'get without answer';
  if (outcome === 'ok') return `${kind} acknowledged`;
  return outcome === 'unknown' ? `${kind} of unknown outcome` : `${kind} without effect`;
}
