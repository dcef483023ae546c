import type { Figure } from './figures.js';

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
