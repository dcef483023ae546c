import { SeededRandom, toBytes } from '@dle/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { LogStore } from '../../src/index.js';
import { type EntryBatch, EntryBatchBuilder } from '../../src/internal.js';
import { MemVfs } from '../../src/testing/index.js';
import { DIRECTORY } from '../support/logs.js';
import { ManualClock, turns } from '../support/manual-clock.js';

const KEYS = 200;
const SEGMENT_BYTES = 16_384;
const VALUE = new Uint8Array(200);
const TERM = 1;
const full = expect.objectContaining({ code: 'DLE_DISK_FULL', retryable: true, effect: 'none' });

let clock: ManualClock;
let vfs: MemVfs;
let store: LogStore;

/** Time passes: what the store does by itself is done. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.pass(100);
    await turns(20);
  }
}

/** An entry of one record, as consensus would have it written. */
async function write(key: number, isDelete: boolean): Promise<void> {
  const index = store.log.lastIndex + 1;
  const builder = new EntryBatchBuilder(index, TERM);
  if (isDelete) builder.delete(toBytes(`key ${key}`));
  else builder.put(toBytes(`key ${key}`), VALUE);
  builder.endEntry();
  const batch: EntryBatch = builder.finish();
  expect(batch.deletesOnly).toBe(isDelete);
  store.reserve(batch.bytes.length, isDelete);
  await store.log.whenFlushed(store.log.append(batch));
  store.log.setCommit(index);
  store.apply(index);
}

/** All that is applied may be compacted. */
const raiseFloor = () =>
  store.setFloor({ index: store.appliedIndex, term: TERM, state: new Uint8Array(0) });

/** As often as it takes, while time passes and the floor rises. */
async function again(work: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      return await work();
    } catch (thrown) {
      expect(thrown).toEqual(full);
    }
    await raiseFloor().catch((thrown: unknown) => expect(thrown).toEqual(full));
    await pass(5_000);
  }
  throw new Error('the disk stays full');
}

beforeEach(async () => {
  clock = new ManualClock();
  const random = new SeededRandom(5);
  vfs = new MemVfs({ random, clock });
  const options = { replicated: true, segmentSize: SEGMENT_BYTES, tailCacheBytes: 0 };
  store = await LogStore.open(DIRECTORY, options, { vfs, clock, random });
  for (let key = 0; key < KEYS; key++) await write(key, false);
  await raiseFloor();
  await pass(2_000);
  expect(vfs.paths.some((path) => path.endsWith('/reserve'))).toBe(true);
  vfs.capacityBytes = vfs.usedBytes + 4 * SEGMENT_BYTES;
  await expect(async () => {
    for (;;) await write(0, false);
  }).rejects.toEqual(full);
});

describe('a full disk', () => {
  it('takes entries that delete, which give room to others, compaction with them', async () => {
    let deleted = 0;
    await again(async () => {
      for (; deleted < KEYS / 2; deleted++) await write(2 * deleted + 1, true);
    });
    await again(raiseFloor);
    let put = 0;
    await again(async () => {
      for (; put < KEYS / 4; put++) await write(2 * put, false);
    });
    expect(store.stats().keys).toBe(KEYS / 2);
    await store.close();
  });

  it('has what was overwritten compacted, where nobody deletes anything', async () => {
    // The entries of one key: behind the floor, all but one of them are of no use.
    await again(() => write(0, false));
    expect(store.stats().compaction.bytesFreed).toBeGreaterThan(0);
    await store.close();
  });
});
