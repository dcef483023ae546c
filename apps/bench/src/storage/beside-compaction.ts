import { setImmediate } from 'node:timers/promises';
import { randomBelow } from '@dle/common';
import { LogStore } from '@dle/storage';
import { KEY_BYTES, keyText, seededRandom, VALUE_BYTES } from '../workload.js';
import { latencyOf } from './latency.js';
import { StallMeter } from './stall-meter.js';

const BATCH_PUTS = 1_000;
/** Of the keys, so many are overwritten: as much of the store is garbage. */
const OVERWRITTEN = 0.5;
const READS_A_TURN = 100;
const MAX_READS = 4_000_000;

interface ReadPhase {
  readonly reads: number;
  readonly p99Ms: number;
  readonly longestStallMs: number;
}

export interface BesideCompaction {
  readonly idle: ReadPhase;
  readonly compacting: ReadPhase;
  readonly compactedBytes: number;
}

/** Point reads in a closed loop: of a store that has nothing else to do, and of one that compacts. */
export async function readBesideCompaction(
  directory: string,
  keys: number,
): Promise<BesideCompaction> {
  const store = await LogStore.open(directory, { compaction: { automatic: false } });
  const random = seededRandom();
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  for (let done = 0; done < keys * (1 + OVERWRITTEN); done += BATCH_PUTS) {
    const puts = Array.from({ length: BATCH_PUTS }, (_, at) => {
      const record = done < keys ? (done + at) % keys : randomBelow(random, keys);
      return { type: 'put' as const, key: keyText(record), value };
    });
    await store.batch(puts, { durability: 'none' });
  }
  await store.flush();
  let running = true;
  const times = new Float64Array(MAX_READS);
  const readWhile = async (goesOn: () => boolean): Promise<ReadPhase> => {
    const meter = new StallMeter();
    const key = Buffer.alloc(KEY_BYTES);
    const target = new Uint8Array(VALUE_BYTES);
    let reads = 0;
    meter.start();
    while (goesOn() && reads < MAX_READS) {
      meter.turn();
      for (let at = 0; at < READS_A_TURN; at++) {
        key.write(keyText(randomBelow(random, keys)), 'latin1');
        const began = performance.now();
        const length = store.getInto(key, target);
        times[reads++] = performance.now() - began;
        if (length !== VALUE_BYTES) throw new Error('a record is not there');
      }
      await setImmediate();
    }
    const { longestMs } = meter.stop();
    const { p99Ms } = latencyOf(times.subarray(0, reads));
    return { reads, p99Ms, longestStallMs: longestMs };
  };
  const forMs = (ms: number) => {
    const end = performance.now() + ms;
    return () => performance.now() < end;
  };
  await readWhile(forMs(1_000));
  const idle = await readWhile(forMs(2_000));
  const compaction = store.compact().finally(() => {
    running = false;
  });
  const compacting = await readWhile(() => running);
  await compaction;
  const { bytesWritten } = store.stats().compaction;
  await store.close();
  return { idle, compacting, compactedBytes: bytesWritten };
}
