import { LogStore } from '@dle/storage';
import { BATCH_PUTS, type Draws } from './draws.js';

/** An iterator is taken, and its first page read, once in so many batches. */
const BATCHES_AN_ITERATOR = 10;
const PAGE_ENTRIES = 100;
const ROUNDS = 5;

export interface OrderedBatches {
  /** Puts a second, of each round. */
  readonly alone: readonly number[];
  readonly beside: readonly number[];
}

/** Batches of puts, alone and with reads in order in between, in turns. */
export async function batchesBesideReads(
  directory: string,
  draws: Draws,
  roundMs: number,
): Promise<OrderedBatches> {
  const store = await LogStore.open(directory);
  for (const puts of draws.shuffled(BATCH_PUTS)) await store.batch(puts, { durability: 'none' });
  const { batches } = draws;
  const round = async (readsInOrder: boolean): Promise<number> => {
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < roundMs; count++) {
      await store.batch(batches[draws.takeBatch()]!);
      if (!readsInOrder || count % BATCHES_AN_ITERATOR !== 0) continue;
      const iterator = store.iterator();
      const page = await iterator.nextv(PAGE_ENTRIES);
      await iterator.close();
      if (page.length !== PAGE_ENTRIES) throw new Error(`${page.length} entries were read`);
    }
    return ((count * BATCH_PUTS) / (performance.now() - began)) * 1_000;
  };
  await round(false);
  await round(true);
  const alone: number[] = [];
  const beside: number[] = [];
  for (let at = 0; at < ROUNDS; at++) {
    alone.push(await round(false));
    beside.push(await round(true));
  }
  await store.close();
  return { alone, beside };
}
