import type { Figure } from './figures.js';

/** What the store must reach; `×` compares with others of the same run. */
export interface Bound {
  readonly relation: '≥' | '>' | '≤' | '<';
  readonly value: number;
  readonly unit: '×' | 'ops/s' | 'µs' | 'ms' | 's' | 'bytes a key';
}

export interface Target {
  /** What is compared with what. */
  readonly what: string;
  readonly keys: number;
  readonly bound: Bound;
  /** `undefined` where it could not be measured. */
  readonly measured: number | undefined;
  readonly reached: boolean;
}

export function target(what: string, keys: number, bound: Bound, measured?: number): Target {
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

/** The throughput of `subject` as a multiple of that of the fastest of `peers`. */
export function timesTheFastest(subject: Figure, peers: readonly Figure[]): number | undefined {
  const fastest = Math.max(...peers.map(({ value }) => value ?? Number.NaN));
  const ratio = (subject.value ?? Number.NaN) / fastest;
  return Number.isFinite(ratio) ? ratio : undefined;
}

/** The time that `subject` takes as a multiple of that of `peer`. */
export function timesAsLong(subject: Figure, peer: Figure): number | undefined {
  return timesTheFastest(subject, [peer]);
}

export function reachedInWords(targets: readonly Target[]): string {
  const reached = targets.filter((one) => one.reached).length;
  return `${reached} of ${targets.length} targets reached`;
}
