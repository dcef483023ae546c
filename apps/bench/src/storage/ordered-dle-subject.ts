import { LogStore } from '@dle/storage';
import { BATCH_PUTS, Draws } from './draws.js';
import { fillStore } from './fill-store.js';
import { orderedActions, RANGE_ENTRIES } from './ordered-rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

/** Entries of one `nextv`. */
const PAGE_ENTRIES = 1_000;

/** The store, with records that were written in no order. */
export function orderedDleSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  let store: LogStore | undefined;
  const opened = (): LogStore => store!;

  return {
    fill: async () => {
      store = await LogStore.open(directory);
      await fillStore(store, draws.shuffled(BATCH_PUTS));
    },
    /** Everything in order on the disk as well, from now on. */
    compact: () => opened().compact(),
    close: () => opened().close(),
    ...orderedActions(draws, {
      scan: async (tally) => {
        const iterator = opened().iterator();
        for (;;) {
          const page = await iterator.nextv(PAGE_ENTRIES);
          if (page.length === 0) break;
          for (const [key, value] of page) tally.add(key, value);
        }
        await iterator.close();
      },
      range: async (gte, tally) => {
        const iterator = opened().iterator({ gte, limit: RANGE_ENTRIES });
        for (const [key, value] of await iterator.all()) tally.add(key, value);
      },
    }),
  };
}
