import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@dle/client';
import { ProcessCluster } from '@dle/server/testing';
import { drive, type Operate, type Round } from './drive.js';
import { EtcdCluster } from './etcd-cluster.js';
import { type BenchComponents, inTurns, summarizeOutcome } from './in-turns.js';
import { untilAborted } from './interruption.js';
import { describeMachine } from './machine.js';
import { Probe } from './probe.js';
import { RECORD_BYTES } from './raw-disk.js';
import type { Report, Row } from './report.js';
import { type Bound, type Target, target } from './targets.js';
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

const THROUGHPUT: Bound = { relation: '≥', value: 0.3, unit: '×' };
const LATENCY: Bound = { relation: '≤', value: 1.7, unit: '×' };
const READS: Bound = { relation: '≥', value: 60_000, unit: 'ops/s' };
const BESIDE_ETCD: Bound = { relation: '≥', value: 20, unit: '×' };

const NOTES = [
  'Latency: of each operation, from the call of the client until its promise resolved.',
  'In flight: callers in this one process, each waiting for its own operation, all on one client.',
  'Limit: three bare processes without consensus. put: the client sends each to all three; they',
  'write, fdatasync and acknowledge, what arrives during a flush sharing the next; done when two',
  'have. get: one process echoes a value of the same size.',
  `Medians of ${ROUNDS} rounds, cluster and limit in turns; ± is half of best less worst.`,
  'Client, nodes and probe share the processors of this one machine.',
];

const ETCD_NOTES = [
  'etcd: three processes with their default options, by the client etcd3 in this process.',
];
const NO_ETCD_NOTES = ['etcd is not installed here (Debian: etcd-server), and so not beside it.'];

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
  const etcd = EtcdCluster.isInstalled ? new EtcdCluster(directory) : undefined;
  const start = async (): Promise<void> => {
    cluster.startAll();
    await Promise.all([cluster.leader(), probe.connect(), etcd?.start()]);
  };
  try {
    components.progress('starting three nodes, and three bare processes');
    await untilAborted(components.signal, start());
    const bench = new ClusterBench(components, { client, probe, etcd }, operations);
    const rows = await bench.rows();
    const title = `dle bench cluster: ${NODES} processes on 127.0.0.1; ${recordsInWords(RECORDS)}`;
    const notes = [...NOTES, ...(etcd === undefined ? NO_ETCD_NOTES : ETCD_NOTES)];
    const peer = etcd && 'etcd';
    return { title, machine, rows, targets: targetsOf(rows), peer, notes };
  } finally {
    await Promise.all([client.close(), cluster.destroy(), probe.stop(), etcd?.stop()]);
  }
}

function targetsOf(rows: readonly Row[]): Target[] {
  const row = (kind: Kind, inFlight: number): Row =>
    rows.find((one) => one.operation === kind && one.inFlight === inFlight)!;
  const [one, many, reads] = [row('put', 1), row('put', 256), row('get', 256)];
  const rate = many.measured.operationsPerSecond;
  const ofLimit = rate / many.limit.operationsPerSecond;
  const asLong = one.measured.medianMs / one.limit.medianMs;
  const gets = reads.measured.operationsPerSecond;
  const targets = [
    target('put, 256 in flight, beside the limit', undefined, THROUGHPUT, ofLimit),
    target('time of a put alone beside the limit', undefined, LATENCY, asLong),
    target('linearizable get, 256 in flight', undefined, READS, gets),
  ];
  if (many.peer === undefined) return targets;
  const times = rate / many.peer.operationsPerSecond;
  return [...targets, target('put, 256 in flight, beside etcd', undefined, BESIDE_ETCD, times)];
}

interface Contestants {
  readonly client: Client;
  readonly probe: Probe;
  readonly etcd: EtcdCluster | undefined;
}

class ClusterBench {
  readonly #components: BenchComponents;
  readonly #client: Client;
  readonly #probe: Probe;
  readonly #etcd: EtcdCluster | undefined;
  readonly #records = new Records(seededRandom(), RECORDS);
  readonly #operations: Operations;

  constructor(components: BenchComponents, { client, probe, etcd }: Contestants, count: number) {
    this.#components = components;
    this.#client = client;
    this.#probe = probe;
    this.#etcd = etcd;
    const shape = { count, records: RECORDS, order: 'uniform', writes: 0 } as const;
    this.#operations = new Operations(seededRandom(), shape);
  }

  async rows(): Promise<Row[]> {
    const { progress, signal } = this.#components;
    progress('filling the cluster');
    const put: Operate = (at) => this.#client.put(this.#records.key(at), this.#records.value(at));
    await drive(put, { inFlight: FILL_IN_FLIGHT, count: RECORDS, signal });
    const etcd = this.#etcd;
    if (etcd !== undefined) {
      const fill: Operate = (at) => etcd.put(this.#records.key(at), this.#records.value(at));
      await drive(fill, { inFlight: FILL_IN_FLIGHT, count: RECORDS, signal });
    }
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
      peer: this.#etcd && timed(this.#etcdDoes(kind, this.#etcd)),
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

  #etcdDoes(kind: Kind, etcd: EtcdCluster): Operate {
    const key = (at: number): Uint8Array => this.#records.key(this.#operations.record(at));
    if (kind === 'put') return (at) => etcd.put(key(at), this.#records.value(at));
    return async (at) => {
      if ((await etcd.get(key(at))) === undefined) throw new Error('a record is gone from etcd');
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
