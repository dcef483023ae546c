import { ClassicLevel } from 'classic-level';
import { BATCH_PUTS, Draws, type Put } from './draws.js';
import { batchRound, readRound } from './rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

const MIB = 1_024 ** 2;

/** Room for what it does here, and no compression of what cannot be compressed. */
const OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 256 * MIB,
  writeBufferSize: 64 * MIB,
  compression: false,
} as const;

export type Level = ClassicLevel<Buffer, Buffer>;

export function classicLevel(directory: string): Level {
  return new ClassicLevel(directory, OPTIONS);
}

export async function fillLevel(database: Level, batches: Iterable<Put[]>): Promise<void> {
  await database.open();
  for (const batch of batches) await database.batch(batch);
  // What it would otherwise do in the background, beside the rounds of the others.
  await database.compactRange(Buffer.alloc(1, 0), Buffer.alloc(1, 255));
}

export function levelSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  const database = classicLevel(directory);

  return {
    fill: async () => {
      await fillLevel(database, draws.inOrder(BATCH_PUTS));
      draws.verify((key) => database.getSync(key));
    },
    close: () => database.close(),
    'get-sync': (count) => {
      const [keys, first] = [draws.byteKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += database.getSync(keys[at]!)!.length;
      return readRound(count, began, bytes);
    },
    batches: (maxMs) =>
      batchRound(draws, maxMs, (batch) => database.batch([...batch], { sync: true })),
  };
}
