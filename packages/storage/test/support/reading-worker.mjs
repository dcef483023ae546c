// A worker thread that fills a store of its own, and reads it in every way there is, through maps
// where the addon is loaded, until it is terminated. It tells when it is in the midst of it, or
// what went wrong.
import { parentPort, workerData } from 'node:worker_threads';
import { LogStore } from '../../dist/index.js';

const KEYS = 150;
const contentOf = (key) => Buffer.alloc(key * 30, `value ${key} `);

try {
  const store = await LogStore.open(workerData, { segmentSize: 65_536, durability: 'none' });
  const keys = Array.from({ length: KEYS }, (_, key) => key);
  await Promise.all(keys.map((key) => store.put(`${key}`, contentOf(key))));
  const target = new Uint8Array(KEYS * 30);
  const held = [];
  const check = (key, value) => {
    if (Buffer.compare(value, contentOf(key)) !== 0) throw new Error(`a wrong value of ${key}`);
  };
  for (let round = 0; ; round++) {
    for (let key = 0; key < KEYS; key++) {
      check(key, store.getSync(`${key}`));
      check(key, target.subarray(0, store.getInto(`${key}`, target)));
      const view = store.getView(`${key}`);
      check(key, view);
      held.push(view);
    }
    check(7, await store.get('7'));
    if (held.length > 5 * KEYS) held.length = 0;
    if (round === 1) parentPort.postMessage('reading');
  }
} catch (thrown) {
  parentPort.postMessage(`${thrown.code}: ${thrown.message}`);
}
