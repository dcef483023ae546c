// A process that is told when to begin, for somebody who has its system calls fail from then on. It
// opens a store (before or after, as it is told), writes, reads, closes, and says what came of all.
import { once } from 'node:events';
import { LogStore, nativeStatus } from '../../dist/index.js';
import { changesOf } from './writes.mjs';

const WRITES = 45;
/** Writes under way at a time. */
const ABREAST = 3;
const [, , directory, begins] = process.argv;
const options = { segmentSize: 16_384, idleFlushMs: 5 };

const say = (...words) => console.log(words.join(' '));
/** What went wrong; nothing but DleErrors may. */
const named = (thrown) => `${thrown.code ?? thrown.stack} ${thrown.effect ?? 'untyped'}`;

async function told() {
  // That the addon cannot be loaded is another story.
  nativeStatus();
  say('ready');
  await once(process.stdin, 'data');
  process.stdin.destroy();
}

async function open() {
  for (let times = 0; times < 2; times++) {
    try {
      const store = await LogStore.open(directory, options);
      say('open', store.log.lastIndex, store.stats().keys);
      return store;
    } catch (thrown) {
      say('unopened', named(thrown));
    }
  }
  process.exit(0);
}

async function write(store) {
  let next = store.log.lastIndex + 1;
  const end = next + WRITES;
  const writeOn = async () => {
    while (next < end) {
      const n = next++;
      try {
        await store.batch(changesOf(n));
        say('done', n);
      } catch (thrown) {
        say('refused', n, named(thrown));
      }
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, writeOn));
}

async function read(store) {
  const target = new Uint8Array(10_000);
  const counts = {};
  const forms = [
    (key) => store.getSync(key),
    (key) => store.getInto(key, target),
    (key) => store.getView(key),
    (key) => store.get(key),
  ];
  for (let key = 0; key < 60; key++) {
    for (const form of forms) {
      let outcome = 'fine';
      try {
        await form(`key ${key}`);
      } catch (thrown) {
        outcome = named(thrown);
      }
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
  }
  for (const [outcome, count] of Object.entries(counts)) say('read', count, outcome);
}

if (begins === 'before open') await told();
const store = await open();
if (begins !== 'before open') await told();
await write(store);
await read(store);
try {
  await store.flush();
  say('flushed');
} catch (thrown) {
  say('unflushed', named(thrown));
}
try {
  await store.close();
  say('closed');
} catch (thrown) {
  say('unclosed', named(thrown));
}
const { directories, poisoned } = store.stats();
say('stats', JSON.stringify({ ...directories, poisoned }));
try {
  const again = await LogStore.open(directory, options);
  say('again', again.stats().keys);
  await again.close();
} catch (thrown) {
  say('not again', named(thrown));
}
