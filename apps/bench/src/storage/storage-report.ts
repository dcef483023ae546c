import type { NativeStatus } from '@dle/storage';
import type { Machine } from '../machine.js';
import { machineInWords } from '../report.js';
import { amount, type Column, count, percent, renderTable } from '../table.js';
import { reachedInWords, renderTargets, type Target } from '../targets.js';
import type { Figure } from './figures.js';

export interface StorageReport {
  readonly title: string;
  readonly machine: Machine;
  /** Whether the store had its native addon, and if not, why. */
  readonly addon: NativeStatus;
  readonly figures: readonly Figure[];
  readonly targets: readonly Target[];
}

const NOTES = [
  'Each subject in a process of its own, rounds in turns after one that is not counted; medians of',
  'the rounds; ± is half of best less worst. Ratios are with the fastest way of the peer, this run.',
  'Reads: random keys, from the page cache. Founding figures: reads > 1,000,000 ops/s at < 1 µs,',
  'mixed 50,000 ops/s, on a laptop faster than this machine.',
];

const FIGURES: readonly Column<Figure>[] = [
  { heading: 'workload', cell: ({ workload }) => workload, isText: true },
  { heading: 'keys', cell: ({ keys }) => count(keys) },
  { heading: 'subject', cell: ({ subject }) => subject, isText: true },
  { heading: 'figure', cell: ({ value, unit }) => amount(value, unit) },
  { heading: '±', cell: ({ rounds, spread }) => (rounds.length > 1 ? percent(spread / 2) : '') },
  { heading: 'unit', cell: ({ unit }) => unit, isText: true },
  { heading: 'p99', cell: ({ p99, unit }) => (p99 === undefined ? '' : amount(p99, unit)) },
];

/** The report for people. */
export function renderStorageReport(report: StorageReport): string {
  const { title, machine, addon, figures, targets } = report;
  const lines = [
    title,
    machineInWords(machine),
    addon.loaded ? 'dle with its native addon' : `dle WITHOUT its native addon: ${addon.reason}`,
    '',
    ...renderTable(FIGURES, figures),
    '',
    ...renderTargets(targets),
    '',
    ...NOTES,
    '',
    reachedInWords(targets),
  ];
  return `${lines.join('\n')}\n`;
}

/** The report for programs. */
export function renderStorageJson({ machine, addon, figures, targets }: StorageReport): string {
  return `${JSON.stringify({ machine, addon, figures, targets }, undefined, 2)}\n`;
}
