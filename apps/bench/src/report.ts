import type { Machine } from './machine.js';
import type { Summary } from './summary.js';

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
  readonly founding?: FoundingFigure;
}

export interface Report {
  readonly title: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
  /** What the columns mean. */
  readonly notes: readonly string[];
}

interface Column {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  readonly isText?: boolean;
}

const COLUMNS: readonly Column[] = [
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

const FOUNDING_COLUMNS: readonly Column[] = [
  { heading: 'founding ops/s', cell: ({ founding }) => count(founding?.operationsPerSecond) },
  { heading: 'founding ms', cell: ({ founding }) => below(founding?.medianMs) },
];

const DURABILITY: Column = {
  heading: 'durability',
  cell: (row) => row.durability,
  isText: true,
};

/** The report for people. */
export function renderReport({ title, machine, rows, notes }: Report): string {
  const hasFounding = rows.some((row) => row.founding !== undefined);
  const columns = [...COLUMNS, ...(hasFounding ? FOUNDING_COLUMNS : []), DURABILITY];
  const disk = machine.inMemory
    ? 'the data lies in MEMORY, flushes mean nothing: choose a disk with --data-dir'
    : `a write and its fdatasync take ${milliseconds(machine.fdatasyncMedianMs)} ms`;
  const lines = [
    title,
    `${machine.cpus} × ${machine.cpuModel}, Node ${machine.node}, ${machine.platform}; ${disk}`,
    '',
    ...renderTable(columns, rows),
    '',
    ...notes,
  ];
  return `${lines.join('\n')}\n`;
}

/** The report for programs. */
export function renderJson({ machine, rows }: Report): string {
  const plain = rows.map((row) => ({ ...row, ratio: ratio(row) }));
  return `${JSON.stringify({ machine, rows: plain }, undefined, 2)}\n`;
}

function renderTable(columns: readonly Column[], rows: readonly Row[]): string[] {
  const cells = [columns.map(({ heading }) => heading)];
  for (const row of rows) cells.push(columns.map(({ cell }) => cell(row)));
  const widths = columns.map((_, place) => Math.max(...cells.map((line) => line[place]!.length)));
  return cells.map((line) => {
    const padded = line.map((cell, place) =>
      columns[place]!.isText ? cell.padEnd(widths[place]!) : cell.padStart(widths[place]!),
    );
    return padded.join('  ').trimEnd();
  });
}

/** Throughput as a share of the limit's. */
function ratio({ measured, limit }: Row): number {
  return measured.operationsPerSecond / limit.operationsPerSecond;
}

function count(value: number | undefined): string {
  return value === undefined ? '' : Math.round(value).toLocaleString('en-US');
}

function milliseconds(value: number): string {
  return value < 0.01 ? value.toFixed(5) : value < 1 ? value.toFixed(3) : value.toFixed(2);
}

function below(value: number | undefined): string {
  return value === undefined ? '' : `< ${value}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
