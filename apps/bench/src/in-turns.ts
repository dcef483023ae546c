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
  /** What else could be used, where this machine has it. */
  readonly peer?: ((size: Size) => Promise<Result>) | undefined;
  /** Before the first round, not counted: enough for the compiler to have seen all of it. */
  readonly warmUp: Size;
  readonly round: Size;
  readonly rounds: number;
}

export interface Outcome<Result> {
  readonly subject: readonly Result[];
  readonly limit: readonly Result[];
  readonly peer?: readonly Result[] | undefined;
}

/** Rounds of the subject and of its limit in turns, so that both see the machine in one mood. */
export async function inTurns<Size, Result>(
  { progress, signal }: BenchComponents,
  contest: Contest<Size, Result>,
): Promise<Outcome<Result>> {
  progress(contest.name);
  const { subject, limit, peer, warmUp, round, rounds } = contest;
  const turns = [subject, limit, ...(peer === undefined ? [] : [peer])];
  for (const turn of turns) await turn(warmUp);
  const results: Result[][] = turns.map(() => []);
  for (let done = 0; done < rounds; done++) {
    for (const [at, turn] of turns.entries()) {
      await breathe(signal);
      results[at]!.push(await turn(round));
    }
  }
  return { subject: results[0]!, limit: results[1]!, peer: results[2] };
}

export function summarizeOutcome({ subject, limit, peer }: Outcome<Round>): {
  measured: Summary;
  limit: Summary;
  peer?: Summary;
} {
  const both = { measured: summarize(subject), limit: summarize(limit) };
  return peer === undefined ? both : { ...both, peer: summarize(peer) };
}
