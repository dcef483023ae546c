import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { randomBelow } from '@dle/common';
import { LogStore } from '@dle/storage';
import { KEY_BYTES, keyText, seededRandom } from '../workload.js';

const BATCH_PUTS = 1_000;
/** The maximum is measured for so long, on a store that does not compact. */
const FULL_MS = 2_000;
/** Everything is overwritten so often, at random. */
const TIMES = 5;
const SAMPLES = 40;
/** `stat` counts blocks of this size. */
const BLOCK_BYTES = 512;

export interface Overwritten {
  /** Puts a second without compaction, as fast as can be, and in the run. */
  readonly fullRate: number;
  readonly rate: number;
  /** Bytes on the disk for each byte that counts, keys and values alone, and with headers. */
  readonly ofUserAtEnd: number;
  readonly ofRecordsAtEnd: number;
  readonly ofUserAtMost: number;
  /** Bytes written for each byte of keys and values, by the store's own account and the system's. */
  readonly written: number;
  readonly writtenBySystem: number | undefined;
  readonly sortedRuns: number;
}

/** Fills a store, and overwrites all of it five times at random, at half of what can be written. */
export async function overwrite(
  directory: string,
  { keys, valueBytes }: { readonly keys: number; readonly valueBytes: number },
): Promise<Overwritten> {
  const random = seededRandom();
  const values = Array.from({ length: 64 }, () =>
    Buffer.from(Uint8Array.from({ length: valueBytes }, () => randomBelow(random, 256))),
  );
  const putsOf = (recordAt: (at: number) => number, count: number) =>
    Array.from({ length: count }, (_, at) => {
      const record = recordAt(at);
      const key = Buffer.from(keyText(record), 'latin1');
      return { type: 'put' as const, key, value: values[(record + at) % values.length]! };
    });
  const atRandom = () => putsOf(() => randomBelow(random, keys), BATCH_PUTS);

  const full = await LogStore.open(join(directory, 'full'), { compaction: { automatic: false } });
  const began = performance.now();
  let puts = 0;
  for (; performance.now() - began < FULL_MS; puts += BATCH_PUTS) await full.batch(atRandom());
  const fullRate = (puts / (performance.now() - began)) * 1_000;
  await full.close();

  const place = join(directory, 'overwritten');
  const store = await LogStore.open(place);
  for (let first = 0; first < keys; first += BATCH_PUTS) {
    await store.batch(putsOf((at) => first + at, Math.min(BATCH_PUTS, keys - first)));
  }
  const userBytes = keys * (KEY_BYTES + valueBytes);
  const before = writtenBy(store);
  const systemBefore = systemWritten();
  const start = performance.now();
  const total = keys * TIMES;
  let ofUserAtMost = 0;
  let sampleAt = 0;
  for (let done = 0; done < total; done += BATCH_PUTS) {
    const late = start + (done / (fullRate / 2)) * 1_000 - performance.now();
    if (late > 1) await setTimeout(late);
    await store.batch(atRandom());
    if (done < sampleAt) continue;
    sampleAt += total / SAMPLES;
    ofUserAtMost = Math.max(ofUserAtMost, bytesOf(place) / userBytes);
  }
  const rate = (total / (performance.now() - start)) * 1_000;
  const bytes = bytesOf(place);
  const { liveBytes, sortedRuns } = store.stats();
  const overwrittenBytes = TIMES * userBytes;
  const bySystem = systemBefore === undefined ? undefined : systemWritten()! - systemBefore;
  const written = writtenBy(store) - before;
  await store.close();
  return {
    fullRate,
    rate,
    ofUserAtEnd: bytes / userBytes,
    ofRecordsAtEnd: bytes / liveBytes,
    ofUserAtMost: Math.max(ofUserAtMost, bytes / userBytes),
    written: written / overwrittenBytes,
    writtenBySystem: bySystem === undefined ? undefined : bySystem / overwrittenBytes,
    sortedRuns,
  };
}

/** Bytes of the log and of what compaction has written, key directories left out. */
function writtenBy(store: LogStore): number {
  const { compaction, bytes } = store.stats();
  // What has come into the log is what there is, and what has been given back.
  return bytes + compaction.bytesFreed;
}

/** What has been handed to the disk for this process; none where the system does not tell. */
function systemWritten(): number | undefined {
  try {
    const match = /^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}

/** Of all files, as they lie on the disk. */
function bytesOf(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory)) {
    // One may be unlinked at this moment.
    bytes +=
      (statSync(join(directory, name), { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES;
  }
  return bytes;
}
