import type { Draws } from './draws.js';
import type { RoundResult, Subject } from './subject.js';
import { Tally } from './tally.js';

/** Entries of one range. */
export const RANGE_ENTRIES = 100;

/** Reads in the order of the keys, as a subject does them; what it reads it adds to `tally`. */
export interface OrderedReads {
  /** Every entry. */
  readonly scan: (tally: Tally) => unknown;
  /** `RANGE_ENTRIES` entries from `key` on, which is there, or as many as there are. */
  readonly range: (key: Buffer, tally: Tally) => unknown;
}

/** Actions of a subject that reads in order. What was read must be what is there. */
export function orderedActions(draws: Draws, { scan, range }: OrderedReads): Subject {
  let all: Tally | undefined;

  return {
    scan: async (): Promise<RoundResult> => {
      all ??= tallyOf(draws, [0], draws.keys);
      const tally = new Tally();
      const began = performance.now();
      await scan(tally);
      const elapsedMs = performance.now() - began;
      tally.mustBe(all);
      return { operations: tally.count, elapsedMs };
    },
    /** So many of them. */
    ranges: async (count): Promise<RoundResult> => {
      const [keys, first] = [draws.byteKeys, draws.take(count)];
      const tally = new Tally();
      const began = performance.now();
      for (let at = first; at < first + count; at++) await range(keys[at]!, tally);
      const elapsedMs = performance.now() - began;
      tally.mustBe(tallyOf(draws, draws.records.subarray(first, first + count), RANGE_ENTRIES));
      return { operations: count, elapsedMs };
    },
  };
}

function tallyOf(draws: Draws, starts: Iterable<number>, length: number): Tally {
  const tally = new Tally();
  for (const first of starts) tally.addRecords(draws, first, Math.min(first + length, draws.keys));
  return tally;
}
