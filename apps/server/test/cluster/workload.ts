import type { Client, ReadLevel } from '@dle/client';
import { isDleError, type Random, randomBelow, SeededRandom } from '@dle/common';
import type { History, Result } from '../../src/testing/history/history.js';
import { nameOfPayload, payloadOf } from '../../src/testing/history/payload.js';
import { PinnedClient } from '../../src/testing/history/pinned-client.js';
import type { FaultyCluster } from './faulty-cluster.js';

/** What one worker does its operations with. */
interface Hands {
  readonly put: (key: string, value: Uint8Array) => Promise<Result>;
  readonly del: (key: string) => Promise<Result>;
  readonly get: (key: string, level: ReadLevel) => Promise<Uint8Array | undefined>;
  readonly close: () => Promise<void>;
}

/** Keys that everybody writes, deletes and reads. */
const SHARED_KEYS: readonly string[] = ['a', 'b', 'c', 'd'];
/** Begins the keys that are written once. */
const ONCE = 'once/';

/** All that promise to be linearizable, however they come by it. */
const LEVELS: readonly ReadLevel[] = ['linearizable', 'lease', 'follower'];

const FOLLOWERS_OF_THE_LEADER = 3;
const REQUEST_TIMEOUT_MS = 2_500;
/**
 * Short: what a node answers first after a pause is then a question from the end of the pause, when
 * others may have acknowledged newer writes.
 */
const PINNED_READ_TIMEOUT_MS = 250;
const PINNED_WRITE_TIMEOUT_MS = 1_000;
/** Without rests, six workers would fill the log and the checker, and meet no fault more for it. */
const MAX_REST_MS = 8;
const REST_AFTER_FAILURE_MS = 30;
/** What no fault of processes or links may make a node say. */
const EXPECTED_CODES = [
  ...(['DLE_TIMEOUT', 'DLE_OUTCOME_UNKNOWN', 'DLE_UNAVAILABLE', 'DLE_NOT_LEADER'] as const),
  ...(['DLE_CONNECTION_LOST', 'DLE_OVERLOADED', 'DLE_CLOSED', 'DLE_MEMBER_REMOVED'] as const),
] as const;

/** Clients that write, delete and read all the time, each one thing after the other. */
export class Workload {
  readonly problems: string[] = [];
  readonly #history: History;
  readonly #workers: Promise<void>[] = [];
  #stopped = false;
  #stopping: Promise<void> | undefined;

  constructor(cluster: FaultyCluster, history: History, seed: number) {
    this.#history = history;
    const { processes, endpoints } = cluster;
    const clients = Array.from({ length: FOLLOWERS_OF_THE_LEADER }, () => {
      return handsOf(processes.client(endpoints));
    });
    // Those that are no members have nothing to say, yet or any more.
    const pinned = processes.servers.map(({ address }) => pinnedHands(address));
    const work = (hands: Hands, name: string, number: number) => {
      this.#workers.push(this.#work(hands, name, new SeededRandom(seed * 100 + number)));
    };
    for (const [at, hands] of clients.entries()) work(hands, `client ${at + 1}`, at);
    for (const [at, hands] of pinned.entries()) work(hands, `client at node ${at + 1}`, at + 50);
  }

  /** Lets the operations under way end; finds those that do not. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    const limitMs = 2 * REQUEST_TIMEOUT_MS + 1_000;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'hangs'>((resolve) => {
      timer = setTimeout(() => resolve('hangs'), limitMs);
    });
    const end = await Promise.race([Promise.all(this.#workers), timeout]);
    clearTimeout(timer);
    if (end !== 'hangs') return;
    const count = this.#history.underWay;
    this.problems.push(`${count} operations go on ${limitMs} ms after they should have timed out`);
  }

  async #work(hands: Hands, client: string, random: Random): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      const name = `${client.replaceAll(' ', '')}.${number}`;
      const ok = await this.#operate(hands, client, name, random);
      await rest(ok ? randomBelow(random, MAX_REST_MS) : REST_AFTER_FAILURE_MS);
    }
    await hands.close();
  }

  async #operate(hands: Hands, client: string, name: string, random: Random): Promise<boolean> {
    const key = SHARED_KEYS[randomBelow(random, SHARED_KEYS.length)]!;
    const bytes = sizeOf(random);
    const dice = randomBelow(random, 100);
    const call = (intent: { kind: 'put' | 'del'; key: string; value?: string }) =>
      this.#history.record({ client, ...intent }, () =>
        this.#checked(perform(hands, intent, bytes)),
      );
    if (dice < 35) return (await call({ kind: 'put', key, value: name })) === 'ok';
    if (dice < 45) return (await call({ kind: 'del', key })) === 'ok';
    if (dice < 60) return (await call({ kind: 'put', key: ONCE + name, value: name })) === 'ok';
    const level = LEVELS[randomBelow(random, LEVELS.length)]!;
    const got = await this.#history.record({ client, kind: 'get', key }, () =>
      this.#checked(read(hands, key, level)),
    );
    return got === 'ok';
  }

  async #checked(result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (thrown) {
      if (!isDleError(thrown, ...EXPECTED_CODES)) this.problems.push(`a client got: ${thrown}`);
      throw thrown;
    }
  }
}

function perform(
  hands: Hands,
  { kind, key, value }: { kind: 'put' | 'del'; key: string; value?: string },
  bytes: number,
): Promise<Result> {
  return kind === 'put' ? hands.put(key, payloadOf(value!, bytes)) : hands.del(key);
}

async function read(hands: Hands, key: string, level: ReadLevel): Promise<Result> {
  const found = await hands.get(key, level);
  return { value: found && nameOfPayload(found) };
}

function handsOf(client: Client): Hands {
  const options = { timeoutMs: REQUEST_TIMEOUT_MS };
  return {
    put: (key, value) => client.put(key, value, options),
    del: (key) => client.del(key, options),
    get: (key, level) => client.get(key, { ...options, level }),
    close: () => client.close(),
  };
}

function pinnedHands(address: string): Hands {
  const client = new PinnedClient({}, address);
  return {
    put: (key, value) => client.put(key, value, PINNED_WRITE_TIMEOUT_MS),
    del: (key) => client.del(key, PINNED_WRITE_TIMEOUT_MS),
    get: (key, level) => client.get(key, PINNED_READ_TIMEOUT_MS, level),
    close: () => client.close(),
  };
}

/** Mostly small, seldom larger than a socket's buffer. */
function sizeOf(random: Random): number {
  const dice = randomBelow(random, 1_000);
  if (dice < 5) return 300_000;
  return randomBelow(random, dice < 200 ? 8_000 : 100);
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
