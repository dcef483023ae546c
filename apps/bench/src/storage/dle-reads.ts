import type { LogStore } from '@dle/storage';
import { VALUE_BYTES } from '../workload.js';
import type { Draws } from './draws.js';
import { latencyOf } from './latency.js';
import { readRound } from './rounds.js';
import type { Subject } from './subject.js';

/**
 * Reads of the store; each action does `count` of them. Each has a loop of its own, as it would
 * have in a program: in a shared one the compiler could inline none of the calls.
 */
export function dleReads(opened: () => LogStore, draws: Draws): Subject {
  const target = new Uint8Array(VALUE_BYTES);

  return {
    'get-into': (count) => {
      const [store, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += store.getInto(keys[at]!, target);
      return readRound(count, began, bytes);
    },
    'get-sync': (count) => {
      const [store, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += store.getSync(keys[at]!)!.length;
      return readRound(count, began, bytes);
    },
    'get-view': (count) => {
      const [store, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += store.getView(keys[at]!)!.length;
      return readRound(count, began, bytes);
    },
    'get-view-text': (count) => {
      const [store, keys, first] = [opened(), draws.textKeys, draws.take(count)];
      const { records } = draws;
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) {
        bytes += store.getView(keys[records[at]!]!)!.length;
      }
      return readRound(count, began, bytes);
    },
    latency: (count) => {
      const [store, keys, first] = [opened(), draws.byteKeys, draws.take(count)];
      const times = new Float64Array(count);
      for (let at = 0; at < count; at++) {
        const key = keys[first + at]!;
        const start = performance.now();
        store.getInto(key, target);
        times[at] = performance.now() - start;
      }
      return latencyOf(times);
    },
  };
}
