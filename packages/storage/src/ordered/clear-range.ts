import type { StoreIterator } from './store-iterator.js';

/** Keys that are deleted together. */
const PAGE = 1_000;

/**
 * Deletes the keys that `iterator` gives, in pages: each of them all or nothing. The next page is
 * looked up while one is on its way to the device. Rejects as the two do, and with the reason of
 * `signal` between two pages.
 */
export async function clearRange(
  iterator: StoreIterator<Uint8Array>,
  remove: (keys: readonly Uint8Array[]) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    signal?.throwIfAborted();
    let keys = await iterator.nextv(PAGE);
    while (keys.length > 0) {
      signal?.throwIfAborted();
      const [next] = await Promise.all([iterator.nextv(PAGE), remove(keys)]);
      keys = next;
    }
  } finally {
    await iterator.close();
  }
}
