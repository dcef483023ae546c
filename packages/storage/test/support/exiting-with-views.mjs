// A process that ends while it and its worker threads hold views of stores that are open: by
// process.exit, by an error that nobody catches, or for want of anything to do.
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LogStore } from '../../dist/index.js';

const [, , directory, how] = process.argv;
const store = await LogStore.open(join(directory, 'main'));
await store.put('key', 'value'.repeat(1_000));
store.getSync('key');
globalThis.held = [store.getView('key'), store.getView('key').subarray(5)];
const path = new URL('reading-worker.mjs', import.meta.url);
const workers = [1, 2].map((n) => new Worker(path, { workerData: join(directory, `${n}`) }));
const said = await Promise.all(workers.map((worker) => once(worker, 'message')));
console.log(said.flat().join());
if (how === 'exit') process.exit(7);
if (how === 'throw') throw new Error('on purpose');
for (const worker of workers) worker.unref();
