import type { Machine } from './machine.js';
import type { Summary } from './summary.js';
import { type Column, count, milliseconds, percent, renderTable } from './table.js';
import { reachedInWords, renderTargets, type Target } from './targets.js';

/** What the founding description promised, "on a laptop faster than this machine". */
export interface FoundingFigure {
  readonly operationsPerSecond: number;
  readonly medianMs: number;
}

export interface Row {
  readonly operation: string;
  readonly inFlight: number;
  /** What an operation that is done has behind it. */
  readonly durability: string;
  readonly measured: Summary;
  /** The same without the store, or without the consensus. */
  readonly limit: Summary;
  /** What else could be used. */
  readonly peer?: Summary;
  readonly founding?: FoundingFigure;
}

export interface Report {
  readonly title: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly targets?: readonly Target[];
  /** Who the peer is, where there is one. */
  readonly peer?: string | undefined;
  /** What the columns mean. */
  readonly notes: readonly string[];
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: 'operation', cell: (row) => row.operation, isText: true },
  { heading: 'in flight', cell: (row) => count(row.inFlight) },
  { heading: 'ops/s', cell: (row) => count(row.measured.operationsPerSecond) },
  { heading: '±', cell: (row) => percent(row.measured.spread / 2) },
  { heading: 'median ms', cell: (row) => milliseconds(row.measured.medianMs) },
  { heading: 'p99 ms', cell: (row) => milliseconds(row.measured.p99Ms) },
  { heading: 'limit ops/s', cell: (row) => count(row.limit.operationsPerSecond) },
  { heading: 'limit ms', cell: (row) => milliseconds(row.limit.medianMs) },
  { heading: 'of limit', cell: (row) => percent(ratio(row)) },
];

const FOUNDING_COLUMNS: readonly Column<Row>[] = [
  { heading: 'founding ops/s', cell: ({ founding }) => count(founding?.operationsPerSecond) },
  { heading: 'founding ms', cell: ({ founding }) => below(founding?.medianMs) },
];

function peerColumns(name: string): Column<Row>[] {
  return [
    { heading: `${name} ops/s`, cell: ({ peer }) => count(peer?.operationsPerSecond) },
    { heading: `${name} ms`, cell: ({ peer }) => (peer ? milliseconds(peer.medianMs) : '') },
  ];
}

const DURABILITY: Column<Row> = {
  heading: 'durability',
  cell: (row) => row.durability,
  isText: true,
};

/** The report for people. */
export function renderReport({ title, machine, rows, targets, peer, notes }: Report): string {
  const hasFounding = rows.some((row) => row.founding !== undefined);
  const columns = [
    ...COLUMNS,
    ...(peer === undefined ? [] : peerColumns(peer)),
    ...(hasFounding ? FOUNDING_COLUMNS : []),
    DURABILITY,
  ];
  const lines = [title, machineInWords(machine), '', ...renderTable(columns, rows), ''];
  if (targets !== undefined) lines.push(...renderTargets(targets), '');
  lines.push(...notes);
  if (targets !== undefined) lines.push('', reachedInWords(targets));
  return `${lines.join('\n')}\n`;
}

export function machineInWords(machine: Machine): string {
  const disk = machine.inMemory
    ? 'the data lies in MEMORY, flushes mean nothing: choose a disk with --data-dir'
    : `a write and its fdatasync take ${milliseconds(machine.fdatasyncMedianMs)} ms`;
  return `${machine.cpus} × ${machine.cpuModel}, Node ${machine.node}, ${machine.platform}; ${disk}`;
}

/** The report for programs. */
export function renderJson({ machine, rows, targets }: Report): string {
  const plain = rows.map((row) => ({ ...row, ratio: ratio(row) }));
  return `${JSON.stringify({ machine, rows: plain, targets }, undefined, 2)}\n`;
}

/** Throughput as a share of the limit's. */
function ratio({ measured, limit }: Row): number {
  return measured.operationsPerSecond / limit.operationsPerSecond;
}

function below(value: number | undefined): string {
  return value === undefined ? '' : `< ${value}`;
}
