// A process that ends by process.exit while it and its worker threads are at work on their stores.
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LogStore } from '../../dist/index.js';

const [, , directory] = process.argv;
const store = await LogStore.open(join(directory, 'main'));
await store.put('key', 'value'.repeat(1_000));
const path = new URL('store-worker.mjs', import.meta.url);
const workers = [1, 2].map((n) => new Worker(path, { workerData: join(directory, `${n}`) }));
await Promise.all(workers.map((worker) => once(worker, 'message')));
console.log('open');
store.put('key', 'never answered');
store.getSync('key');
process.exit(7);
