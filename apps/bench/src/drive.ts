import { untilAborted } from './interruption.js';

/** Begins operation `at`. A promise where its caller has to wait, nothing where it is done. */
export type Operate = (at: number) => Promise<unknown> | undefined;

export interface DriveOptions {
  /** Operations under way at any time, as if so many callers each waited for one. */
  readonly inFlight: number;
  /** At most so many operations. */
  readonly count: number;
  /** After so long no operation begins. Default: no such limit. */
  readonly maxMs?: number;
  readonly signal: AbortSignal;
}

/** One uninterrupted piece of measuring. */
export interface Round {
  readonly elapsedMs: number;
  /** Of each operation, from the call until it returned, or until its promise resolved. */
  readonly latenciesMs: Float64Array;
}

/** Does operations as fast as `inFlight` callers can, and takes the time of each. */
export async function drive(operate: Operate, options: DriveOptions): Promise<Round> {
  const { inFlight, count, maxMs = Number.POSITIVE_INFINITY, signal } = options;
  const latenciesMs = new Float64Array(count);
  const began = performance.now();
  const deadline = began + maxMs;
  let next = 0;
  let isOver = false;

  const caller = async (): Promise<void> => {
    while (next < count && !isOver) {
      const at = next++;
      const start = performance.now();
      const waiting = operate(at);
      if (waiting !== undefined) await waiting;
      const end = performance.now();
      latenciesMs[at] = end - start;
      isOver ||= end > deadline;
    }
  };

  const callers = Array.from({ length: Math.min(inFlight, count) }, caller);
  try {
    await untilAborted(signal, Promise.all(callers));
  } finally {
    isOver = true;
  }
  return { elapsedMs: performance.now() - began, latenciesMs: latenciesMs.subarray(0, next) };
}

/** Does operations that need no waiting, with no clock between them. Returns milliseconds. */
export function race(operate: Operate, count: number): number {
  const began = performance.now();
  for (let at = 0; at < count; at++) operate(at);
  return performance.now() - began;
}
