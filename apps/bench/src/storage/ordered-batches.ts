import { join } from 'node:path';
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

/**
 * Batches of puts into two stores in turns: one is never read in order, the other all the time. So
 * neither has to make up for what the other has left undone.
 */
export async function batchesBesideReads(
  directory: string,
  draws: Draws,
  roundMs: number,
): Promise<OrderedBatches> {
  const plain = await filled(join(directory, 'plain'), draws);
  const read = await filled(join(directory, 'read'), draws);
  const { batches } = draws;
  const round = async (store: LogStore, readsInOrder: boolean): Promise<number> => {
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < roundMs; count++) {
      await store.batch(batches[draws.takeBatch()]!);
      if (readsInOrder && count % BATCHES_AN_ITERATOR === 0) await readSome(store);
    }
    return ((count * BATCH_PUTS) / (performance.now() - began)) * 1_000;
  };
  const alone: number[] = [];
  const beside: number[] = [];
  for (let at = -1; at < ROUNDS; at++) {
    const rates = [await round(plain, false), await round(read, true)] as const;
    if (at < 0) continue;
    alone.push(rates[0]);
    beside.push(rates[1]);
  }
  await plain.close();
  await read.close();
  return { alone, beside };
}

async function filled(directory: string, draws: Draws): Promise<LogStore> {
  const store = await LogStore.open(directory);
  for (const puts of draws.shuffled(BATCH_PUTS)) await store.batch(puts, { durability: 'none' });
  await store.flush();
  await readSome(store);
  return store;
}

async function readSome(store: LogStore): Promise<void> {
  const iterator = store.iterator();
  const page = await iterator.nextv(PAGE_ENTRIES);
  await iterator.close();
  if (page.length !== PAGE_ENTRIES) throw new Error(`${page.length} entries were read`);
}
