import type { KeyRange } from '../ordered/types.js';
import type { LogStore } from '../store/log-store.js';
import { print } from './output.js';

/** Pairs read at a time. */
const PAGE = 1_000;

/** Prints the pairs of a range as they are at the call; returns how many there are. */
export async function printPairs(
  store: LogStore,
  range: KeyRange & { readonly signal: AbortSignal },
  format: (key: Uint8Array, value: Uint8Array) => string | Uint8Array,
): Promise<number> {
  const iterator = store.iterator(range);
  let count = 0;
  try {
    for (;;) {
      const page = await iterator.nextv(PAGE);
      if (page.length === 0) return count;
      count += page.length;
      await print(Buffer.concat(page.map(([key, value]) => Buffer.from(format(key, value)))));
    }
  } finally {
    await iterator.close();
  }
}
