// A process that holds views of values while all that they could lie in is overwritten, deleted,
// closed and collected, and says so if one of them has changed.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LogStore } from '../../dist/index.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
const [, , directory] = process.argv;
const KEYS = 200;
const contentOf = (key, round) => Buffer.alloc(100 + key * 20, `${round} ${key} `);

const held = [];
function hold(store, round) {
  for (let key = 0; key < KEYS; key++) {
    // The first read has the segment mapped.
    store.getSync(`${key}`);
    held.push({ view: store.getView(`${key}`), expected: contentOf(key, round) });
  }
}

function check(when) {
  for (const { view, expected } of held) {
    if (Buffer.compare(view, expected) !== 0) throw new Error(`a view has changed after ${when}`);
  }
}

async function collect(when) {
  for (let times = 0; times < 3; times++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
    check(when);
  }
}

for (let round = 0; round < 3; round++) {
  const store = await LogStore.open(directory, { segmentSize: 65_536, durability: 'none' });
  for (let key = 0; key < KEYS; key++) await store.put(`${key}`, contentOf(key, round));
  hold(store, round);
  await collect('a collection');
  for (let key = 0; key < KEYS; key++) await store.put(`${key}`, 'overwritten');
  check('overwriting');
  for (let key = 0; key < KEYS; key++) await store.del(`${key}`);
  await collect('deleting');
  await store.close();
  await collect('closing');
  // Half of them are let go, from the midst of segments that others are held of.
  for (let place = held.length - 1; place >= 0; place -= 2) held.splice(place, 1);
  await collect('letting go');
}
held.length = 0;
await collect('all');
console.log('unchanged');
