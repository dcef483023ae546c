import { ClassicLevel } from 'classic-level';
import { BATCH_PUTS, Draws } from './draws.js';
import { batchRound, readRound } from './rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

const MIB = 1_024 ** 2;

/** classic-level with room for what it does here, and without compressing what cannot be. */
const OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 256 * MIB,
  writeBufferSize: 64 * MIB,
  compression: false,
} as const;

export function levelSubject({ directory, keys }: SubjectOptions): Subject {
  const draws = new Draws(keys);
  const database = new ClassicLevel<Buffer, Buffer>(directory, OPTIONS);

  return {
    fill: async () => {
      await database.open();
      for (let first = 0; first < keys; first += BATCH_PUTS) {
        await database.batch(draws.puts(first, Math.min(BATCH_PUTS, keys - first)));
      }
      // What it would otherwise do in the background, beside the rounds of the others.
      await database.compactRange(Buffer.alloc(1, 0), Buffer.alloc(1, 255));
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
