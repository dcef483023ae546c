import type { Round } from './drive.js';
import { breathe } from './interruption.js';
import { type Summary, summarize } from './summary.js';

export interface BenchComponents {
  readonly signal: AbortSignal;
  /** Says what is being done, while it is. */
  readonly progress: (what: string) => void;
}

/** What is measured, and beside it the limit that it is held against. */
export interface Contest<Size, Result> {
  readonly name: string;
  readonly subject: (size: Size) => Promise<Result>;
  readonly limit: (size: Size) => Promise<Result>;
  /** Before the first round, not counted: enough for the compiler to have seen all of it. */
  readonly warmUp: Size;
  readonly round: Size;
  readonly rounds: number;
}

export interface Outcome<Result> {
  readonly subject: readonly Result[];
  readonly limit: readonly Result[];
}

/** Rounds of the subject and of its limit in turns, so that both see the machine in one mood. */
export async function inTurns<Size, Result>(
  { progress, signal }: BenchComponents,
  contest: Contest<Size, Result>,
): Promise<Outcome<Result>> {
  progress(contest.name);
  await contest.subject(contest.warmUp);
  await contest.limit(contest.warmUp);
  const subject: Result[] = [];
  const limit: Result[] = [];
  for (let round = 0; round < contest.rounds; round++) {
    await breathe(signal);
    subject.push(await contest.subject(contest.round));
    await breathe(signal);
    limit.push(await contest.limit(contest.round));
  }
  return { subject, limit };
}

export function summarizeOutcome({ subject, limit }: Outcome<Round>): {
  measured: Summary;
  limit: Summary;
} {
  return { measured: summarize(subject), limit: summarize(limit) };
}
