import type { LogStore } from '../../src/index.js';

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** All that a store holds, as text: by its index, and the same in the order of the keys. */
export async function pairsOf(store: LogStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const snapshot = store.snapshotKeys();
  for (let pairs = snapshot.next(1e6); pairs.length > 0; pairs = snapshot.next(1e6)) {
    for (const { key, value } of pairs) found.set(textOf(key), textOf(value));
  }
  snapshot.close();
  let count = 0;
  for await (const [key, value] of store.iterator()) {
    count++;
    if (found.get(textOf(key)) === textOf(value)) continue;
    throw new Error(`${textOf(key)} is in order, and not by the index`);
  }
  if (count !== found.size) throw new Error(`${count} in order, ${found.size} by the index`);
  return found;
}
