import { BATCH_PUTS, Draws } from './draws.js';
import { classicLevel, fillLevel } from './level-subject.js';
import { orderedActions, RANGE_ENTRIES } from './ordered-rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

/** Entries of one `nextv`. */
const PAGE_ENTRIES = 1_000;
/** Large enough for a page: else its iterators stop at 16 KiB, and are slower. */
const HIGH_WATER_MARK_BYTES = 1_024 ** 2;

export function orderedLevelSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  const database = classicLevel(directory);

  return {
    fill: () => fillLevel(database, draws.shuffled(BATCH_PUTS)),
    close: () => database.close(),
    ...orderedActions(draws, {
      scan: async (tally) => {
        const iterator = database.iterator({ highWaterMarkBytes: HIGH_WATER_MARK_BYTES });
        for (;;) {
          const page = await iterator.nextv(PAGE_ENTRIES);
          if (page.length === 0) break;
          for (const [key, value] of page) tally.add(key, value);
        }
        await iterator.close();
      },
      range: async (gte, tally) => {
        const options = { gte, limit: RANGE_ENTRIES, highWaterMarkBytes: HIGH_WATER_MARK_BYTES };
        for (const [key, value] of await database.iterator(options).all()) tally.add(key, value);
      },
    }),
  };
}
