// A worker thread that opens the store in the directory it is given, and reads and writes until it
// is terminated. It tells when it is in the midst of it, or why it could not open.
import { parentPort, workerData } from 'node:worker_threads';
import { LogStore, nativeStatus } from '../../dist/index.js';

const ROUNDS_BEFORE_TOLD = 3;

try {
  const store = await LogStore.open(workerData, { segmentSize: 65_536 });
  const views = [];
  for (let round = 0; ; round++) {
    await store.put(`key ${round % 100}`, `value ${round} `.padEnd(5_000, '.'));
    // Held until the end: what they lie in must outlive the store.
    for (let key = 0; key <= round % 100; key++) views.push(store.getSync(`key ${key}`));
    if (views.length > 10_000) views.length = 0;
    if (round === ROUNDS_BEFORE_TOLD) parentPort.postMessage({ native: nativeStatus().loaded });
  }
} catch (thrown) {
  parentPort.postMessage({ code: thrown.code, message: thrown.message });
}
