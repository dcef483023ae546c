/** A thread that runs the seeds that it is sent, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed } from './seed-report.js';
import type { SimulationOptions } from './simulation.js';

const port = parentPort!;
const options = workerData as SimulationOptions;

port.on('message', (seed: number) => {
  void runSeed(seed, options).then((report) => port.postMessage(report));
});
