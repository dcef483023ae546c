// A process that writes to the store in the directory it is given until the disk is full, says how
// far it came and what it was told, and waits to be killed.
import { LogStore } from '../../dist/index.js';

const store = await LogStore.open(process.argv[2], { segmentSize: 65_536 });
let n = store.stats().keys;
try {
  for (; ; n++) await store.put(`key ${n}`, `value ${n} `.padEnd(n % 3_000, '.'));
} catch (thrown) {
  console.log(`${n} ${thrown.code} ${thrown.retryable} ${thrown.effect}`);
}
setInterval(() => {}, 1_000);
