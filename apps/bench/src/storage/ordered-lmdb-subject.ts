import { Draws } from './draws.js';
import { type Lmdb, openFilled } from './lmdb-subject.js';
import { orderedActions, RANGE_ENTRIES } from './ordered-rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

const FILL_PUTS = 10_000;

/** lmdb, read in order as its own documentation does it. */
export function orderedLmdbSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  let database: Lmdb | undefined;
  const opened = (): Lmdb => database!;

  return {
    fill: async () => {
      database = await openFilled(directory, draws.shuffled(FILL_PUTS));
    },
    close: () => opened().close(),
    ...orderedActions(draws, {
      scan: (tally) => {
        for (const { key, value } of opened().getRange()) tally.add(key, value);
      },
      range: (start, tally) => {
        const range = opened().getRange({ start, limit: RANGE_ENTRIES });
        for (const { key, value } of range) tally.add(key, value);
      },
    }),
  };
}
