import { join } from 'node:path';
import type { Client } from '@dle/client';
import type { NodeStatus } from '@dle/client/protocol';
import { DleError, randomBelow, SeededRandom } from '@dle/common';
import { ProcessCluster } from '../../src/testing/index.js';
import { contentOf } from '../support/content.js';
import { inflict, WOUNDS } from './wound.js';

/** Few enough that each is overwritten and deleted again and again. */
const KEYS = 400;
const WRITES_EACH = 60;
/** Small files, so that there are many, of all kinds; and a log that is purged. */
const FLAGS = '--segment-size 128KB --log-retention-bytes 128KB'.split(' ');
/** For a request, at nodes that are stopped, damaged or at it again. */
const PATIENCE_MS = 60_000;
/** For a repair: one that follows another within a minute waits until that is over. */
const REPAIR_PATIENCE_MS = 150_000;

export interface WoundRunReport {
  readonly problems: readonly string[];
  /** All that was done, in order. */
  readonly wounds: readonly string[];
  /** Wounds after which the node had to begin anew. */
  readonly repairs: number;
  /** Wounds after which processes ended by themselves, and were started again. */
  readonly ended: number;
}

/** What a key may hold: the value that was acknowledged last, and all that came after it. */
class Model {
  readonly values = new Map<string, readonly (string | undefined)[]>();
  /** Every value that was ever written. */
  readonly history = new Map<string, Set<string | undefined>>();

  begin(key: string, value: string | undefined): void {
    this.values.set(key, [...(this.values.get(key) ?? [undefined]), value]);
    const all = this.history.get(key) ?? new Set([undefined]);
    this.history.set(key, all.add(value));
  }

  acknowledge(key: string, value: string | undefined): void {
    this.values.set(key, [value]);
  }
}

/**
 * Wounds the files of one of three real nodes, now this one and now that one, while they run and
 * while they are down; each time nothing may be lost, nothing wrong be read, and all three be equal
 * again before the next.
 */
export async function woundRun(options: {
  readonly seed: number;
  readonly wounds: number;
  readonly dataDir?: string | undefined;
  readonly log?: (line: string) => void;
}): Promise<WoundRunReport> {
  const { seed, dataDir } = options;
  const place = dataDir === undefined ? {} : { dataDir };
  const cluster = await ProcessCluster.create({ flags: FLAGS, ...place });
  const run = new WoundRun(cluster, seed, options.log ?? (() => {}));
  try {
    cluster.startAll();
    await cluster.leader();
    await run.all(options.wounds);
  } catch (thrown) {
    run.problems.push(`the run ended: ${thrown instanceof Error ? thrown.message : thrown}`);
  } finally {
    await run.close();
    await cluster.destroy();
  }
  const { problems, wounds, repairs, ended } = run;
  return { problems, wounds, repairs, ended };
}

class WoundRun {
  readonly problems: string[] = [];
  readonly wounds: string[] = [];
  repairs = 0;
  ended = 0;
  readonly #cluster: ProcessCluster;
  readonly #random: SeededRandom;
  readonly #client: Client;
  readonly #model = new Model();
  readonly #log: (line: string) => void;
  #written = 0;

  constructor(cluster: ProcessCluster, seed: number, log: (line: string) => void) {
    this.#cluster = cluster;
    this.#random = new SeededRandom(seed);
    this.#client = cluster.client();
    this.#log = log;
  }

  async all(count: number): Promise<void> {
    for (let round = 0; round < 10; round++) await this.#write();
    for (let at = 0; at < count && this.problems.length === 0; at++) await this.#one();
    await this.#readAll();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #one(): Promise<void> {
    const id = 1 + randomBelow(this.#random, 3);
    const wound = WOUNDS[randomBelow(this.#random, WOUNDS.length)]!;
    const server = this.#cluster.server(id);
    const directory = join(this.#cluster.dataDir, `node-${id}`);
    // A file that shrinks beneath a map ends the process: then it is as if it had been down.
    const how = (['stopped', 'killed', 'running'] as const)[randomBelow(this.#random, 3)]!;
    if (how !== 'running') await server.stop(how === 'stopped' ? 'SIGTERM' : 'SIGKILL');
    const before = this.#repairsOf(id);
    const what = `${how} node ${id}, ${inflict(wound, directory, this.#random)}`;
    this.wounds.push(what);
    await this.#write();
    if (how !== 'running') server.start();
    await this.#write();
    const began = performance.now();
    await this.#whole(id, how === 'running');
    const repaired = this.#repairsOf(id) > before;
    if (repaired) this.repairs++;
    const ms = Math.round(performance.now() - began);
    this.#log(`${this.wounds.length}: ${what}${repaired ? ', repaired' : ''} (${ms} ms)`);
  }

  /** Repairs of a node that have come to their end, over all its starts. */
  #repairsOf(id: number): number {
    return this.#cluster.server(id).log().split('the data is whole again').length - 1;
  }

  /** Until all three hold the same, and none repairs itself. */
  async #whole(id: number, restarts: boolean): Promise<void> {
    await this.#settle();
    await this.#readAll();
    await this.#equal();
    // What nobody has read is found at the latest when it is started.
    if (restarts) {
      await this.#cluster.server(id).stop();
      this.#cluster.server(id).start();
      await this.#settle();
      await this.#equal();
    }
  }

  async #settle(): Promise<void> {
    await this.#cluster.eventually(
      'nodes that are whole',
      async () => {
        this.#startEnded();
        const all = await this.#cluster.statuses();
        const isWhole = ({ repair, role, applied, lastIndex }: NodeStatus) =>
          !repair.repairing &&
          repair.damage === undefined &&
          role !== 'restarting' &&
          applied === lastIndex;
        const equal = new Set(all.map(({ applied }) => applied)).size === 1;
        const led = all.some(({ role }) => role === 'leader');
        return all.length === 3 && equal && led && all.every(isWhole) ? true : undefined;
      },
      REPAIR_PATIENCE_MS,
    );
  }

  #startEnded(): void {
    for (const server of this.#cluster.servers) {
      if (server.running) continue;
      this.ended++;
      const last = server.log().trimEnd().split('\n').at(-1);
      this.#log(`node ${server.options.id} has ended: ${last}`);
      server.start();
    }
  }

  async #equal(): Promise<void> {
    await this.#cluster.eventually(
      'equal nodes',
      async () => {
        this.#startEnded();
        const contents = await Promise.all(
          [1, 2, 3].map((id) => contentOf(this.#cluster, id).catch(() => undefined)),
        );
        const [first] = contents;
        const isEqual = first !== undefined && contents.every((content) => content === first);
        return isEqual ? true : undefined;
      },
      REPAIR_PATIENCE_MS,
    );
    await this.#settle();
  }

  /** Writes, overwrites and deletes, some at once; outcomes that are unknown stay open. */
  async #write(): Promise<void> {
    const keys = new Set<string>();
    while (keys.size < WRITES_EACH) keys.add(`key ${randomBelow(this.#random, KEYS)}`);
    await Promise.all(Array.from(keys, (key) => this.#writeOne(key)));
  }

  async #writeOne(key: string): Promise<void> {
    const isDelete = randomBelow(this.#random, 5) === 0;
    const bytes = randomBelow(this.#random, 1_500);
    const value = isDelete ? undefined : `${key} = ${this.#written++}`.padEnd(bytes, '.');
    this.#model.begin(key, value);
    try {
      if (value === undefined) await this.#client.del(key, { timeoutMs: PATIENCE_MS });
      else await this.#client.put(key, value, { timeoutMs: PATIENCE_MS });
      this.#model.acknowledge(key, value);
    } catch (thrown) {
      this.#expected(thrown, `a write of ${key}`);
    }
  }

  /** What is acknowledged is there; what a node says by itself is something that was written. */
  async #readAll(): Promise<void> {
    const alone = this.#cluster.endpoints.map((endpoint) => this.#cluster.client([endpoint]));
    try {
      for (const [key, possible] of this.#model.values) {
        const found = await this.#read(this.#client, key, 'linearizable');
        if (found !== 'nothing' && !possible.includes(found.value)) {
          this.problems.push(`${key} is ${found.value}, and not ${possible.join(' or ')}`);
        }
      }
      await Promise.all(alone.map((client, at) => this.#readAlone(client, at + 1)));
    } finally {
      await Promise.all(alone.map((client) => client.close()));
    }
  }

  async #readAlone(client: Client, id: number): Promise<void> {
    for (const [key, all] of this.#model.history) {
      const found = await this.#read(client, key, 'stale');
      // It repairs itself, or has ended.
      if (found === 'nothing') return;
      if (all.has(found.value)) continue;
      this.problems.push(`node ${id} says that ${key} is ${found.value}`);
    }
  }

  async #read(
    client: Client,
    key: string,
    level: 'linearizable' | 'stale',
  ): Promise<'nothing' | { readonly value: string | undefined }> {
    // A node that repairs itself answers with an error; it is asked again by the next.
    const timeoutMs = level === 'stale' ? 1_000 : PATIENCE_MS;
    try {
      const value = await client.get(key, { level, timeoutMs });
      return { value: value && Buffer.from(value).toString() };
    } catch (thrown) {
      if (level === 'stale') this.#expected(thrown, `a read of ${key}`);
      else this.problems.push(`a read of ${key} failed: ${thrown}`);
      return 'nothing';
    }
  }

  #expected(thrown: unknown, what: string): void {
    const { code, message } = DleError.from(thrown);
    const isExpected = ['DLE_OUTCOME_UNKNOWN', 'DLE_TIMEOUT', 'DLE_UNAVAILABLE'].includes(code);
    if (!isExpected) this.problems.push(`${what} failed with ${code}: ${message}`);
  }
}
