// A process that writes to the store in the directory it is given until it is killed: write n is
// that of `writes.mjs`. It says that it opens, where it begins, and what was acknowledged. On
// demand it compacts all the while, and says so each time.
import { LogStore } from '../../dist/index.js';
import { changesOf } from './writes.mjs';

const [, , directory, segmentSize, durability, compacting] = process.argv;
console.log('opening');
const store = await LogStore.open(directory, {
  segmentSize: Number(segmentSize),
  durability,
  compaction: { bytesPerSecond: 0 },
});
let next = store.log.lastIndex + 1;
console.log(`from ${next}`);

function write(changes) {
  if (changes.length > 1) return store.batch(changes);
  const [{ type, key, value }] = changes;
  return type === 'put' ? store.put(key, value) : store.del(key);
}

async function writeOn() {
  for (;;) {
    const n = next++;
    await write(changesOf(n));
    // Writes are acknowledged in order: all before this one have been.
    process.stdout.write(`${n}\n`);
  }
}

async function compactOn() {
  for (;;) {
    await store.compact();
    if (store.stats().compaction.jobs > 0) console.log('compacted');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const work = Array.from({ length: 16 }, writeOn);
if (compacting === 'compacting') work.push(compactOn());
await Promise.all(work);
