import type { BatchOperation, BytesLike, LogStore } from '@dle/storage';
import type { Put } from './draws.js';

const IN_FLIGHT = 8;

/** Puts all of `batches`; all is on the disk when it resolves. */
export async function fillStore(
  store: LogStore,
  batches: Iterator<readonly BatchOperation[]>,
): Promise<void> {
  const filler = async (): Promise<void> => {
    for (let next = batches.next(); next.done !== true; next = batches.next()) {
      await store.batch(next.value, { durability: 'none' });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, filler));
  await store.flush();
}

/** The same puts, with keys as `asGiven` makes them. */
export function* givenAs(
  batches: Iterable<readonly Put[]>,
  asGiven: (key: Buffer) => BytesLike,
): Generator<BatchOperation[], void, void> {
  for (const puts of batches) yield puts.map((put) => ({ ...put, key: asGiven(put.key) }));
}
