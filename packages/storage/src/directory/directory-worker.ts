/**
 * The thread that makes key directories: reading, checking and sorting a segment would else take a
 * few hundred milliseconds of the thread that serves.
 */
import { parentPort } from 'node:worker_threads';
import { DleError } from '@dle/common';
import { NodeVfs } from '../vfs/node-vfs.js';
import { buildDirectory } from './build-directory.js';
import type { WorkerJob, WorkerOutcome } from './worker-builder.js';

const vfs = new NodeVfs();

parentPort?.on('message', async ({ id, directory, segment }: WorkerJob) => {
  const outcome: WorkerOutcome = { id };
  try {
    await buildDirectory(vfs, directory, segment, () => undefined);
  } catch (thrown) {
    const { code, message } = DleError.from(thrown);
    outcome.error = { code, message };
  }
  parentPort?.postMessage(outcome);
});
