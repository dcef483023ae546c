import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBelow } from '@dle/common';
import { LogStore, type LogStoreOptions } from '@dle/storage';
import { KEY_BYTES, keyText, seededRandom, VALUE_BYTES } from '../workload.js';

const SEGMENTS = 20_000;
const BATCH_PUTS = 20;
/** Of a record on the disk, and of what lies between two of them in a small segment. */
const RECORD_BYTES = 192;
const SPARE_BYTES = 4_096;
const READ_MS = 2_000;
const READS_AT_ONCE = 1_000;

export interface ManySegments {
  readonly segments: number;
  readonly openSeconds: number;
  readonly descriptors: number;
  readonly maps: number;
  /** Reads a second, and of the same keys in segments of the usual size. */
  readonly rate: number;
  readonly usualRate: number;
}

/** A store of the shape of one of 100 GB: as many segments, but small ones. */
export async function readManySegments(directory: string, keys: number): Promise<ManySegments> {
  const segmentSize = Math.max(4_096, Math.ceil((keys / SEGMENTS) * RECORD_BYTES) + SPARE_BYTES);
  const small = join(directory, 'small');
  const usual = join(directory, 'usual');
  const compaction = { automatic: false } as const;
  await fill(small, keys, { segmentSize, compaction });
  await fill(usual, keys, { compaction });
  const began = performance.now();
  const store = await LogStore.open(small, { segmentSize, compaction });
  const openSeconds = (performance.now() - began) / 1_000;
  readFor(store, keys, READ_MS);
  const rate = readFor(store, keys, READ_MS);
  const { segments } = store.stats();
  const descriptors = countOf(() => readdirSync('/proc/self/fd').length);
  const maps = countOf(() => readFileSync('/proc/self/maps', 'utf8').split('\n').length);
  await store.close();
  const beside = await LogStore.open(usual, { compaction });
  readFor(beside, keys, READ_MS);
  const usualRate = readFor(beside, keys, READ_MS);
  await beside.close();
  return { segments, openSeconds, descriptors, maps, rate, usualRate };
}

async function fill(directory: string, keys: number, options: LogStoreOptions): Promise<void> {
  const store = await LogStore.open(directory, options);
  const value = Buffer.alloc(VALUE_BYTES, 'v');
  for (let first = 0; first < keys; first += BATCH_PUTS) {
    const count = Math.min(BATCH_PUTS, keys - first);
    const puts = Array.from({ length: count }, (_, at) => {
      return { type: 'put' as const, key: keyText(first + at), value };
    });
    await store.batch(puts, { durability: 'none' });
  }
  await store.flush();
  await store.close();
}

/** Reads a second at random keys. */
function readFor(store: LogStore, keys: number, ms: number): number {
  const random = seededRandom();
  const key = Buffer.alloc(KEY_BYTES);
  const target = new Uint8Array(VALUE_BYTES);
  const began = performance.now();
  let reads = 0;
  while (performance.now() - began < ms) {
    for (let at = 0; at < READS_AT_ONCE; at++) {
      key.write(keyText(randomBelow(random, keys)), 'latin1');
      if (store.getInto(key, target) !== VALUE_BYTES) throw new Error('a record is not there');
    }
    reads += READS_AT_ONCE;
  }
  return (reads / (performance.now() - began)) * 1_000;
}

/** Not a number where the system does not tell. */
function countOf(count: () => number): number {
  try {
    return count();
  } catch {
    return Number.NaN;
  }
}
