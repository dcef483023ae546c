import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Durability, LogStore } from '@dle/storage';
import { type BenchComponents, summarizeOutcome } from './in-turns.js';
import { describeMachine } from './machine.js';
import { RawDisk } from './raw-disk.js';
import type { FoundingFigure, Report, Row } from './report.js';
import { ROUNDS, type Split, StoreBench, WRITES_IN_FLIGHT } from './store-bench.js';
import { Records, recordsInWords, seededRandom } from './workload.js';

/** Per cent of the mixed workload. */
const MIXED_WRITES = 20;

const READS: FoundingFigure = { operationsPerSecond: 1_000_000, medianMs: 0.001 };
const WRITES: FoundingFigure = { operationsPerSecond: 30_000, medianMs: 0.1 };
const MIXED: FoundingFigure = { operationsPerSecond: 50_000, medianMs: 0.02 };

const OF_READS = 'reads what is flushed to the device';
const OF_MIXED_READS = 'reads what is done, as its writes are';
const OF_WRITES: Readonly<Record<Durability, string>> = {
  flush: 'flushed to the device, in groups',
  none: 'handed to the operating system, not flushed',
};

const NOTES = [
  'Latency: from the call until it returned (read), or until its promise resolved (write).',
  `Writes: ${WRITES_IN_FLIGHT} callers, each waiting for its own; what comes during a flush shares`,
  'the next one. The latency of a write is that of its whole group, never a share of it.',
  'Limit: a plain file; one pread a record; groups as large as the store’s, written and flushed.',
  `Medians of ${ROUNDS} rounds, store and limit in turns; ± is half of best less worst.`,
  'The founding figures were taken on a laptop faster than this machine.',
];

export interface FoundingOptions {
  /** Of each kind, in each round; also how many records there are. */
  readonly operations: number;
  /** Where the store and the plain file go. */
  readonly directory: string;
}

/** The founding table: one store in this process, without consensus, on its disk. */
export async function measureFounding(
  components: BenchComponents,
  { operations, directory }: FoundingOptions,
): Promise<Report> {
  const machine = describeMachine(directory);
  const storeDirectory = join(directory, 'store');
  mkdirSync(storeDirectory);
  const store = await LogStore.open(storeDirectory);
  const disk = new RawDisk(directory, operations);
  const records = new Records(seededRandom(), operations);
  try {
    const rows = await foundingRows(new StoreBench({ ...components, store, disk, records }));
    const title = `dle bench: one node, in this process; ${recordsInWords(operations)}`;
    return { title, machine, rows, notes: NOTES };
  } finally {
    disk.close();
    await store.close();
  }
}

async function foundingRows(bench: StoreBench): Promise<Row[]> {
  await bench.fill();
  return [
    await readRow(bench, 'sequential'),
    await readRow(bench, 'uniform'),
    await writeRow(bench, 'flush'),
    await writeRow(bench, 'none'),
    ...(await mixedRows(bench, 'flush')),
    ...(await mixedRows(bench, 'none')),
  ];
}

async function readRow(bench: StoreBench, order: 'sequential' | 'uniform'): Promise<Row> {
  const summaries = summarizeOutcome(await bench.reads(order));
  const operation = order === 'uniform' ? 'uniform random reads' : 'sequential reads';
  return { operation, inFlight: 1, durability: OF_READS, founding: READS, ...summaries };
}

async function writeRow(bench: StoreBench, durability: Durability): Promise<Row> {
  const { subject, limit } = await bench.writes(100, durability);
  const all = ({ all }: Split) => all;
  return {
    operation: 'batched writes',
    inFlight: WRITES_IN_FLIGHT,
    durability: OF_WRITES[durability],
    founding: WRITES,
    ...summarizeOutcome({ subject: subject.map(all), limit: limit.map(all) }),
  };
}

async function mixedRows(bench: StoreBench, durability: Durability): Promise<Row[]> {
  const { subject, limit } = await bench.writes(MIXED_WRITES, durability);
  const row = (operation: string, part: keyof Split): Row => ({
    operation,
    inFlight: part === 'reads' ? 1 : WRITES_IN_FLIGHT,
    durability: part === 'reads' ? OF_MIXED_READS : OF_WRITES[durability],
    ...summarizeOutcome({
      subject: subject.map((round) => round[part]),
      limit: limit.map((round) => round[part]),
    }),
  });
  return [
    { ...row(`mixed, ${MIXED_WRITES} % writes`, 'all'), founding: MIXED },
    row('  its reads', 'reads'),
    row('  its writes', 'writes'),
  ];
}
