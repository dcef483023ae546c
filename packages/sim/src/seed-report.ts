import { setImmediate } from 'node:timers/promises';
import type { SimEvent } from './checks/coverage.js';
import { SimulationFailure, type SimulationOptions, simulate } from './simulation.js';

/** What came of one seed; plain data, to be handed from thread to thread. */
export interface SeedReport {
  readonly seed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly servesAfterMs: number;
  readonly operations: number;
  readonly hash: string;
  readonly counts: ReadonlyMap<SimEvent, number>;
  readonly failure: FailureReport | undefined;
}

export interface FailureReport {
  readonly seed: number;
  /** What was broken, in one line or more. */
  readonly what: string;
  /** That, with the last of what led to it. */
  readonly message: string;
  /** How many events had happened, and how many faults had come. */
  readonly events: number;
  readonly faults: number;
}

const NOTHING = {
  events: 0,
  virtualMs: 0,
  servesAfterMs: 0,
  operations: 0,
  hash: '',
  counts: new Map<SimEvent, number>(),
} as const;

/** Runs one seed; whatever it rejects without anybody handling it is a failure, too. */
export async function runSeed(seed: number, options: SimulationOptions): Promise<SeedReport> {
  const unheard: unknown[] = [];
  const listen = (thrown: unknown): void => void unheard.push(thrown);
  process.on('unhandledRejection', listen);
  try {
    const report = await reportOf(seed, options);
    // Runs do not go through the event loop: a promise that was rejected without anybody looking is
    // reported when they do.
    await setImmediate();
    if (report.failure !== undefined || unheard.length === 0) return report;
    const cause = new Error(`nobody handles a rejection: ${unheard[0]}`, { cause: unheard[0] });
    return failed(new SimulationFailure(seed, { events: 0, faults: 0, lines: [] }, cause));
  } finally {
    process.off('unhandledRejection', listen);
  }
}

async function reportOf(seed: number, options: SimulationOptions): Promise<SeedReport> {
  try {
    const { coverage, ...result } = await simulate(seed, options);
    return { ...result, counts: coverage.counts, failure: undefined };
  } catch (thrown) {
    if (thrown instanceof SimulationFailure) return failed(thrown);
    throw thrown;
  }
}

function failed({ seed, what, message, events, faults }: SimulationFailure): SeedReport {
  return { ...NOTHING, seed, failure: { seed, what, message, events, faults } };
}
