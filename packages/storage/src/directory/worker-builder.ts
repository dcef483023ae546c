import { Worker } from 'node:worker_threads';
import { DleError, type DleErrorCode } from '@dle/common';
import type { SealedSegment } from '../log/log-writer.js';

/** A directory to make. */
export interface WorkerJob {
  readonly id: number;
  readonly directory: string;
  readonly segment: SealedSegment;
}

/** Made, or not. */
export interface WorkerOutcome {
  readonly id: number;
  error?: { readonly code: DleErrorCode; readonly message: string };
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: DleError) => void;
}

/** One thread that makes the key directories of all stores of this thread. */
class BuilderThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiter>();
  #jobs = 0;
  users = 0;

  constructor(onEnd: () => void) {
    // What the program was started with (loaders, inspectors) is not for this thread.
    const options = { name: 'dle key directories', execArgv: [] };
    this.#worker = new Worker(new URL('./directory-worker.js', import.meta.url), options);
    // A program may end without having closed its stores.
    this.#worker.unref();
    this.#worker.on('message', ({ id, error }: WorkerOutcome) => {
      const waiter = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiter?.resolve();
      else waiter?.reject(new DleError(error.code, error.message));
    });
    const end = (thrown: unknown): void => {
      onEnd();
      for (const { reject } of this.#waiting.values()) reject(DleError.from(thrown));
      this.#waiting.clear();
    };
    this.#worker.on('error', end);
    this.#worker.on('exit', (code) => end(new Error(`the thread has ended with code ${code}`)));
  }

  build(directory: string, segment: SealedSegment): Promise<void> {
    const id = ++this.#jobs;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, directory, segment } satisfies WorkerJob);
    });
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }
}

let shared: BuilderThread | undefined;

/** A store's share in the thread, which begins with the first job and ends with the last store. */
export class WorkerBuilder {
  #thread: BuilderThread | undefined;

  /** Rejects with what went wrong; the thread itself may have, such as where there can be none. */
  build(directory: string, segment: SealedSegment): Promise<void> {
    if (this.#thread === undefined) {
      const thread =
        shared ??
        new BuilderThread(() => {
          if (shared === thread) shared = undefined;
        });
      shared = thread;
      thread.users++;
      this.#thread = thread;
    }
    return this.#thread.build(directory, segment);
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined || --thread.users > 0) return;
    if (shared === thread) shared = undefined;
    await thread.end();
  }
}
