import { setImmediate } from 'node:timers/promises';
import type { LogStore } from '@dle/storage';
import { drive } from '../drive.js';
import type { Draws } from './draws.js';
import { batchRound } from './rounds.js';
import type { RoundResult, Subject } from './subject.js';

const FLUSHED = { durability: 'flush' } as const;
/** More than any disk flushes in a round. */
const MAX_PUTS = 2_000_000;
/** Per cent. */
const MIXED_WRITES = 20;
const MIXED_IN_FLIGHT = 256;
/** Operations after which the driver lets the event loop turn, as a server does between requests. */
const MIXED_TURN = 320;

/** Writes to the store; each action goes on for so many milliseconds, unless it says otherwise. */
export function dleWrites(opened: () => LogStore, draws: Draws): Subject {
  const { signal } = new AbortController();
  let writes: Uint8Array | undefined;

  const put = (at: number): Promise<void> => {
    const { byteKeys } = draws;
    return opened().put(byteKeys[at % byteKeys.length]!, draws.value(at), FLUSHED);
  };
  const puts = async (inFlight: number, maxMs: number): Promise<RoundResult> => {
    const driven = await drive(put, { inFlight, count: MAX_PUTS, maxMs, signal });
    return { operations: driven.latenciesMs.length, elapsedMs: driven.elapsedMs };
  };

  return {
    batches: (maxMs) => batchRound(draws, maxMs, (batch) => opened().batch(batch, FLUSHED)),
    'puts-1': (maxMs) => puts(1, maxMs),
    'puts-64': (maxMs) => puts(64, maxMs),
    /** One after the other, so many; returns how long each took. */
    'single-puts': async (count): Promise<Float64Array> => {
      const times = new Float64Array(count);
      const first = draws.take(count);
      for (let at = 0; at < count; at++) {
        const start = performance.now();
        await put(first + at);
        times[at] = performance.now() - start;
      }
      return times;
    },
    mixed: (maxMs) => {
      writes ??= draws.drawWrites(MIXED_WRITES);
      return mixed(opened(), draws, maxMs, writes);
    },
    /** Begins to write, and does not end: whoever asks for it kills the process. */
    'write-on': async () => {
      void puts(MIXED_IN_FLIGHT, Number.POSITIVE_INFINITY);
      await setImmediate();
    },
  };
}

/** Reads never wait; a write waits only while as many as may be in flight are. */
async function mixed(
  store: LogStore,
  draws: Draws,
  maxMs: number,
  writes: Uint8Array,
): Promise<RoundResult> {
  const keys = draws.byteKeys;
  let inFlight = 0;
  let failure: unknown;
  let onDone: (() => void) | undefined;
  const done = () => {
    inFlight--;
    onDone?.();
  };
  const failed = (thrown: unknown) => {
    failure = thrown;
    done();
  };
  const oneDone = () =>
    new Promise<void>((resolve) => {
      onDone = resolve;
    });

  const began = performance.now();
  let operations = 0;
  while (performance.now() - began < maxMs) {
    const first = operations;
    for (; operations < first + MIXED_TURN; operations++) {
      const at = operations % keys.length;
      const key = keys[at]!;
      if (writes[at] === 1) {
        while (inFlight >= MIXED_IN_FLIGHT) await oneDone();
        inFlight++;
        store.put(key, draws.value(operations), FLUSHED).then(done, failed);
      } else if (store.getSync(key) === undefined) throw new Error('a record is gone');
    }
    await setImmediate();
    if (failure !== undefined) throw failure;
  }
  while (inFlight > 0) await oneDone();
  return { operations, elapsedMs: performance.now() - began };
}
