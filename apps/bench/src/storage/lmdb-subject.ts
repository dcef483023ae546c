import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { Draws, type Put } from './draws.js';
import { latencyOf } from './latency.js';
import { batchRound, readRound } from './rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

const FILL_PUTS = 10_000;

export type Lmdb = RootDatabase<Buffer, Buffer>;

export function lmdbSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  let root: Lmdb | undefined;
  /** The same database, for those who have their keys as strings. */
  let byText: Database<Buffer, string> | undefined;
  const opened = (): Lmdb => root!;

  return {
    fill: async () => {
      root = await openFilled(directory, draws.inOrder(FILL_PUTS));
      byText = root.openDB<Buffer, string>({
        encoding: 'binary',
        name: null as unknown as string,
      });
      draws.verify((key) => opened().get(key));
    },
    close: () => opened().close(),
    ...reads(opened, () => byText!, draws),
    'batches-sync': (maxMs) =>
      batchRound(draws, maxMs, (batch) => opened().transactionSync(() => putAll(opened(), batch))),
    'batches-flushed': (maxMs) =>
      batchRound(draws, maxMs, async (batch) => {
        await opened().transaction(() => putAll(opened(), batch));
        await opened().flushed;
      }),
  };
}

/**
 * lmdb as is best for it: bytes as they are, without an encoder (`binary`), and its defaults for
 * the rest: with a map size, `noMemInit` or without `overlappingSync` it was no faster, with
 * `useWritemap` slower.
 */
export async function openFilled(directory: string, batches: Iterable<Put[]>): Promise<Lmdb> {
  const path = join(directory, 'data.mdb');
  const options = { path, encoding: 'binary', keyEncoding: 'binary' } as const;
  // Flushing once at the end is enough here; lmdb does so when it is closed.
  const filled = open<Buffer, Buffer>({ ...options, noSync: true, overlappingSync: false });
  for (const batch of batches) filled.transactionSync(() => putAll(filled, batch));
  await filled.close();
  return open<Buffer, Buffer>(options);
}

function putAll(database: Lmdb, batch: readonly Put[]): void {
  for (const { key, value } of batch) void database.put(key, value);
}

/** Each action does `count` reads in a loop of its own, as those of the store do. */
function reads(
  opened: () => RootDatabase<Buffer, Buffer>,
  openedByText: () => Database<Buffer, string>,
  draws: Draws,
): Subject {
  return {
    'get-fast': (count) => {
      const [database, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) {
        bytes += database.getBinaryFast(keys[at]!)!.length;
      }
      return readRound(count, began, bytes);
    },
    'get-fast-text': (count) => {
      const [database, keys, first] = [openedByText(), draws.drawnTextKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) {
        bytes += database.getBinaryFast(keys[at]!)!.length;
      }
      return readRound(count, began, bytes);
    },
    get: (count) => {
      const [database, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += database.get(keys[at]!)!.length;
      return readRound(count, began, bytes);
    },
    'get-text': (count) => {
      const [database, keys, first] = [openedByText(), draws.drawnTextKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += database.get(keys[at]!)!.length;
      return readRound(count, began, bytes);
    },
    latency: (count) => {
      const [database, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      const times = new Float64Array(count);
      for (let at = 0; at < count; at++) {
        const key = keys[first + at]!;
        const start = performance.now();
        database.getBinaryFast(key);
        times[at] = performance.now() - start;
      }
      return latencyOf(times);
    },
  };
}
