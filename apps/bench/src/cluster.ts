import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@dle/client';
import { ProcessCluster } from '@dle/server/testing';
import { drive, type Operate, type Round } from './drive.js';
import { type BenchComponents, inTurns, summarizeOutcome } from './in-turns.js';
import { untilAborted } from './interruption.js';
import { describeMachine } from './machine.js';
import { Probe } from './probe.js';
import { RECORD_BYTES } from './raw-disk.js';
import type { Report, Row } from './report.js';
import { Operations, Records, recordsInWords, seededRandom } from './workload.js';

const NODES = 3;
const RECORDS = 10_000;
const IN_FLIGHT = [1, 64, 256] as const;
const ROUNDS = 3;
const ROUND_MS = 1_200;
const WARM_UP_MS = 400;
/** While the records are written that are read later. */
const FILL_IN_FLIGHT = 256;

const DURABILITY = {
  put: 'flushed to the device by a majority, in groups',
  get: 'linearizable: reads what a majority has flushed',
} as const;

const NOTES = [
  'Latency: of each operation, from the call of the client until its promise resolved.',
  'In flight: callers in this one process, each waiting for its own operation, all on one client.',
  'Limit: three bare processes without consensus. put: the client sends each to all three; they',
  'write, fdatasync and acknowledge, what arrives during a flush sharing the next; done when two',
  'have. get: one process echoes a value of the same size.',
  `Medians of ${ROUNDS} rounds, cluster and limit in turns; ± is half of best less worst.`,
  'Client, nodes and probe share the processors of this one machine.',
];

type Kind = keyof typeof DURABILITY;

export interface ClusterOptions {
  /** At most so many of each kind in each round, which also ends by time. */
  readonly operations: number;
  /** Where the nodes and the bare processes keep what they are sent. */
  readonly directory: string;
}

/** Replicated puts and linearizable gets on three real nodes, beside three bare processes. */
export async function measureCluster(
  components: BenchComponents,
  { operations, directory }: ClusterOptions,
): Promise<Report> {
  const machine = describeMachine(directory);
  const dataDir = join(directory, 'cluster');
  mkdirSync(dataDir);
  const cluster = await ProcessCluster.create({ nodes: NODES, dataDir });
  const client = cluster.client();
  const probe = new Probe(directory);
  const start = async (): Promise<void> => {
    cluster.startAll();
    await Promise.all([cluster.leader(), probe.connect()]);
  };
  try {
    components.progress('starting three nodes, and three bare processes');
    await untilAborted(components.signal, start());
    const bench = new ClusterBench(components, client, probe, operations);
    const rows = await bench.rows();
    const title = `dle bench cluster: ${NODES} processes on 127.0.0.1; ${recordsInWords(RECORDS)}`;
    return { title, machine, rows, notes: NOTES };
  } finally {
    await Promise.all([client.close(), cluster.destroy(), probe.stop()]);
  }
}

class ClusterBench {
  readonly #components: BenchComponents;
  readonly #client: Client;
  readonly #probe: Probe;
  readonly #records = new Records(seededRandom(), RECORDS);
  readonly #operations: Operations;

  constructor(components: BenchComponents, client: Client, probe: Probe, count: number) {
    this.#components = components;
    this.#client = client;
    this.#probe = probe;
    const shape = { count, records: RECORDS, order: 'uniform', writes: 0 } as const;
    this.#operations = new Operations(seededRandom(), shape);
  }

  async rows(): Promise<Row[]> {
    const { progress, signal } = this.#components;
    progress('filling the cluster');
    const put: Operate = (at) => this.#client.put(this.#records.key(at), this.#records.value(at));
    await drive(put, { inFlight: FILL_IN_FLIGHT, count: RECORDS, signal });
    const rows: Row[] = [];
    for (const kind of ['put', 'get'] as const) {
      for (const inFlight of IN_FLIGHT) rows.push(await this.#row(kind, inFlight));
    }
    return rows;
  }

  async #row(kind: Kind, inFlight: number): Promise<Row> {
    const { signal } = this.#components;
    const { count } = this.#operations;
    const timed =
      (operate: Operate) =>
      (maxMs: number): Promise<Round> =>
        drive(operate, { inFlight, count, maxMs, signal });
    const outcome = await inTurns(this.#components, {
      name: `${kind}, ${inFlight} in flight`,
      subject: timed(kind === 'put' ? this.#put() : this.#get()),
      limit: timed(kind === 'put' ? this.#bareSend() : this.#bareEcho()),
      warmUp: WARM_UP_MS,
      round: ROUND_MS,
      rounds: ROUNDS,
    });
    const durability = DURABILITY[kind];
    return { operation: kind, inFlight, durability, ...summarizeOutcome(outcome) };
  }

  #put(): Operate {
    return (at) => {
      const record = this.#operations.record(at);
      return this.#client.put(this.#records.key(record), this.#records.value(at));
    };
  }

  #get(): Operate {
    return async (at) => {
      const value = await this.#client.get(this.#records.key(this.#operations.record(at)));
      if (value === undefined) throw new Error('a record is gone from the cluster');
    };
  }

  /** As many bytes as a record of the log: what the nodes must send and write at the least. */
  #bareSend(): Operate {
    const payload = new Uint8Array(RECORD_BYTES).fill(1);
    return () => this.#probe.put(payload);
  }

  #bareEcho(): Operate {
    return (at) => this.#probe.get(this.#records.key(this.#operations.record(at)));
  }
}
