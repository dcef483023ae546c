import { Worker } from 'node:worker_threads';
import type { SeedReport } from './seed-report.js';
import type { SimulationOptions } from './simulation.js';

/** What a run leaves behind is short-lived: with more room for it, less of it has to be moved. */
const YOUNG_GENERATION_MB = 64;

export interface ManySeeds {
  readonly first: number;
  readonly count: number;
  /** Threads that run them. */
  readonly jobs: number;
  /** The first failure is the last seed that is begun. */
  readonly untilFailure: boolean;
}

/** Runs many seeds on several threads; `done` is told of each, in no order. */
export async function runOnAllCores(
  { first, count, jobs, untilFailure }: ManySeeds,
  options: Pick<SimulationOptions, 'events'>,
  done: (report: SeedReport) => void,
): Promise<void> {
  let next = first;
  let end = first + count;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./sim-worker.js', import.meta.url), {
        workerData: options,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
      });
      const goOn = (): void => {
        if (next < end) worker.postMessage(next++);
        else void worker.terminate().then(() => resolve());
      };
      worker.on('error', reject);
      worker.on('message', (report: SeedReport) => {
        if (untilFailure && report.failure !== undefined) end = next;
        done(report);
        goOn();
      });
      goOn();
    });
  await Promise.all(Array.from({ length: Math.min(jobs, count) }, work));
}
