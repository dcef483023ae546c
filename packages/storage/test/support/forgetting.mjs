// A process that forgets a snapshot and an iterator, and says so when they have been let go of.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeededRandom, systemClock } from '@dle/common';
import { LogStore } from '../../dist/index.js';
import { MemVfs } from '../../dist/testing/index.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const vfs = new MemVfs({ random: new SeededRandom(1), clock: systemClock });
const store = await LogStore.open('/store', { segmentSize: 4_096 }, { vfs });

async function overwrite(value) {
  for (let i = 0; i < 60; i++) await store.put(`key ${i}`, value.repeat(100));
  await store.compact();
}

async function take() {
  const snapshot = store.snapshot();
  const iterator = store.keys({ limit: 3 });
  await iterator.nextv(1);
  return { snapshot, iterator };
}

await overwrite('a');
let held = await take();
await overwrite('b');
if (held.snapshot.index === store.appliedIndex) throw new Error('nothing was written');
const { count, pinnedBytes } = store.stats().snapshots;
if (count === 0 || pinnedBytes === 0) throw new Error('nothing is pinned');
held = undefined;
for (;;) {
  gc();
  await new Promise((resolve) => setImmediate(resolve));
  const { count, pinnedBytes } = store.stats().snapshots;
  if (count === 0 && pinnedBytes === 0) break;
}
console.log('forgotten');
await store.close();
