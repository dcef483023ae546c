import { VALUE_BYTES } from '../workload.js';
import { BATCH_PUTS, type Draws, type Put } from './draws.js';
import type { RoundResult } from './subject.js';

/**
 * What a round of reads is, with all the bytes it has read; called at once when the last is read.
 */
export function readRound(operations: number, began: number, bytes: number): RoundResult {
  const elapsedMs = performance.now() - began;
  if (bytes !== operations * VALUE_BYTES) {
    throw new Error(`${bytes} bytes read, of ${operations} values`);
  }
  return { operations, elapsedMs };
}

/** One batch after the other, each awaited, until the time is over. */
export async function batchRound(
  draws: Draws,
  maxMs: number,
  write: (batch: readonly Put[]) => unknown,
): Promise<RoundResult> {
  const { batches } = draws;
  const began = performance.now();
  let operations = 0;
  do {
    await write(batches[draws.takeBatch()]!);
    operations += BATCH_PUTS;
  } while (performance.now() - began < maxMs);
  return { operations, elapsedMs: performance.now() - began };
}
