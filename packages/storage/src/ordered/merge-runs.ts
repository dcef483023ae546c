import type { KeyEntry } from '../directory/block-builder.js';
import { DONE, EntryMerge, FOUND } from './entry-merge.js';
import { type MemoryRun, RunBuilder } from './memory-run.js';
import type { Wait, Work } from './work.js';

/** Keys merged between two pauses: a millisecond. */
const MERGED_AT_ONCE = 2_048;

/** One run of several of the same file. */
export function* mergeRuns(runs: readonly MemoryRun[], slot: number, pause: Wait): Work<MemoryRun> {
  const merge = new EntryMerge(false);
  let firstIndex = Number.POSITIVE_INFINITY;
  const next = runs.map(() => 1);
  for (const [source, run] of runs.entries()) {
    const [block] = yield* run.load(0);
    merge.fill(source, block!, 0);
    firstIndex = Math.min(firstIndex, block!.firstIndex);
  }
  const builder = new RunBuilder(slot, firstIndex);
  let merged = 0;
  for (let found = merge.next(); found !== DONE; found = merge.next()) {
    if (found === FOUND) {
      builder.add(entryOf(merge));
      if (++merged % MERGED_AT_ONCE === 0) yield pause;
      continue;
    }
    const number = next[found]!++;
    const run = runs[found]!;
    if (number === run.count) continue;
    const [block] = yield* run.load(number);
    merge.fill(found, block!, 0);
  }
  return builder.finish();
}

function entryOf({ entry, block }: EntryMerge): KeyEntry {
  const { bytes, keyStart, keyEnd, recordOffset, valueLength, kind, relativeIndex } = entry;
  const index = block.firstIndex + relativeIndex;
  return { bytes, keyStart, keyEnd, recordOffset, index, valueLength, kind };
}
