import { VALUE_BYTES } from '../workload.js';
import { Draws } from './draws.js';
import { readRound } from './rounds.js';
import type { Subject, SubjectOptions } from './subject.js';

/**
 * A `Map` with the very strings that are looked up. It keeps nothing and verifies nothing. `shared`:
 * all records share the few different values, which stay in the cache of the processor; otherwise
 * each has bytes of its own, as it must have in a store.
 */
export function mapSubject({ keys }: SubjectOptions, values: 'shared' | 'own'): Subject {
  const draws = new Draws(keys);
  const map = new Map<string, Uint8Array>();

  return {
    fill: () => {
      const memory = Buffer.allocUnsafeSlow(values === 'own' ? keys * VALUE_BYTES : 0);
      for (const [at, key] of draws.textKeys.entries()) {
        const value = draws.value(at);
        if (values === 'own') {
          value.copy(memory, at * VALUE_BYTES);
          map.set(key, memory.subarray(at * VALUE_BYTES, (at + 1) * VALUE_BYTES));
        } else map.set(key, value);
      }
      draws.verify((key) => map.get(key.toString('latin1')));
    },
    close: () => map.clear(),
    get: (count) => {
      const [keys, first] = [draws.textKeys, draws.take(count)];
      const { records } = draws;
      let bytes = 0;
      const began = performance.now();
      for (let at = first; at < first + count; at++) bytes += map.get(keys[records[at]!]!)!.length;
      return readRound(count, began, bytes);
    },
  };
}
