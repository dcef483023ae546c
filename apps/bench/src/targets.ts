import { amount, type Column, count, renderTable } from './table.js';

/** What must be reached; `×` compares with others of the same run. */
export interface Bound {
  readonly relation: '≥' | '>' | '≤' | '<';
  readonly value: number;
  readonly unit: '×' | 'ops/s' | 'µs' | 'ms' | 's' | 'bytes a key';
}

export interface Target {
  /** What is compared with what. */
  readonly what: string;
  /** How many records there were, where that makes a difference. */
  readonly keys: number | undefined;
  readonly bound: Bound;
  /** `undefined` where it could not be measured. */
  readonly measured: number | undefined;
  readonly reached: boolean;
}

export function target(
  what: string,
  keys: number | undefined,
  bound: Bound,
  measured?: number,
): Target {
  return { what, keys, bound, measured, reached: measured !== undefined && holds(measured, bound) };
}

function holds(measured: number, { relation, value }: Bound): boolean {
  switch (relation) {
    case '≥':
      return measured >= value;
    case '>':
      return measured > value;
    case '≤':
      return measured <= value;
    case '<':
      return measured < value;
  }
}

const KEYS: Column<Target> = { heading: 'keys', cell: ({ keys }) => count(keys) };

const COLUMNS: readonly Column<Target>[] = [
  { heading: 'is', cell: ({ measured, bound }) => amount(measured, bound.unit) },
  { heading: 'must be', cell: ({ bound }) => boundInWords(bound), isText: true },
  { heading: '', cell: ({ reached }) => (reached ? 'reached' : 'NOT REACHED'), isText: true },
];

/** A table for people. */
export function renderTargets(targets: readonly Target[]): string[] {
  const what: Column<Target> = { heading: 'target', cell: (one) => one.what, isText: true };
  const keys = targets.some((one) => one.keys !== undefined) ? [KEYS] : [];
  return renderTable([what, ...keys, ...COLUMNS], targets);
}

function boundInWords({ relation, value, unit }: Bound): string {
  return `${relation} ${value.toLocaleString('en-US')} ${unit}`;
}

export function reachedInWords(targets: readonly Target[]): string {
  const reached = targets.filter((one) => one.reached).length;
  return `${reached} of ${targets.length} targets reached`;
}
