/** What a process of a subject does when it is told to; `amount` is what the action says it is. */
type Action = (amount: number) => unknown;

/** A store that is measured, as its own process sees it. `fill` or `open` comes first. */
export type Subject = Readonly<Record<string, Action>>;

export interface SubjectOptions {
  /** There already; this subject's alone. */
  readonly directory: string;
  /** How many records there are. */
  readonly keys: number;
}

/** One uninterrupted piece of measuring, as a process of a subject reports it. */
export interface RoundResult {
  readonly operations: number;
  readonly elapsedMs: number;
}

export interface LatencyResult {
  readonly operations: number;
  /** The cost of the clock is taken off. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** What taking the time twice costs. */
  readonly clockMs: number;
}

export interface Ask {
  readonly id: number;
  readonly action: string;
  readonly amount: number;
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
