/**
 * The thread for what takes long: it makes key directories and rewrites segments. Reading, checking
 * and sorting a segment would else take a few hundred milliseconds of the thread that serves.
 */
import { parentPort } from 'node:worker_threads';
import { DleError, systemClock } from '@dle/common';
import { CompactionJob } from '../compaction/compaction-job.js';
import type { CompactionHost, CompactionOrder } from '../compaction/compaction-order.js';
import { buildDirectory } from '../directory/build-directory.js';
import { NodeVfs } from '../vfs/node-vfs.js';
import {
  type Answer,
  memoryOf,
  type PlainError,
  type Question,
  type Report,
  type Request,
} from './messages.js';

const vfs = new NodeVfs();
const hosts = new Map<number, RemoteHost>();

/** Whoever has given the order, in the other thread. */
class RemoteHost implements CompactionHost {
  stopped = false;
  readonly #job: number;
  /** What to do with the answers, by the numbers of the questions. */
  readonly #open = new Map<number, (answer: Answer) => void>();
  #questions = 0;

  constructor(job: number) {
    this.#job = job;
  }

  areLive(candidates: Parameters<CompactionHost['areLive']>[0]): Promise<Uint8Array> {
    return this.#ask({ about: 'live', candidates }) as Promise<Uint8Array>;
  }

  begin(): Promise<{ id: number; slot: number }> {
    return this.#ask({ about: 'begin' }) as Promise<{ id: number; slot: number }>;
  }

  async finished(output: Parameters<CompactionHost['finished']>[0]): Promise<void> {
    await this.#ask({ about: 'finished', output });
  }

  progress(bytes: number): void {
    report({ type: 'progress', job: this.#job, bytes });
  }

  answer(number: number, answer: Answer): void {
    this.#open.get(number)?.(answer);
    this.#open.delete(number);
  }

  #ask(question: Question): Promise<unknown> {
    const number = ++this.#questions;
    return new Promise((resolve, reject) => {
      this.#open.set(number, (answer) => {
        if ('error' in answer) reject(new DleError(answer.error.code, answer.error.message));
        else resolve(answer.value);
      });
      report({ type: 'ask', job: this.#job, number, question }, memoryOf(question));
    });
  }
}

function report(message: Report, memory: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, memory);
}

async function compact(job: number, order: CompactionOrder) {
  const host = new RemoteHost(job);
  hosts.set(job, host);
  try {
    return await new CompactionJob({ vfs, clock: systemClock, host }, order).run();
  } finally {
    hosts.delete(job);
  }
}

async function settle(job: number, work: Promise<Extract<Report, { type: 'done' }>['result']>) {
  try {
    report({ type: 'done', job, result: await work });
  } catch (thrown) {
    const { code, message, details } = DleError.from(thrown);
    const error: PlainError = { code, message, details };
    report({ type: 'failed', job, error });
  }
}

parentPort?.on('message', (request: Request) => {
  const { job } = request;
  if (request.type === 'build') {
    void settle(
      job,
      buildDirectory(vfs, request.directory, request.segment, () => undefined),
    );
  } else if (request.type === 'compact') {
    void settle(job, compact(job, request.order));
  } else if (request.type === 'stop') {
    const host = hosts.get(job);
    if (host !== undefined) host.stopped = true;
  } else {
    hosts.get(job)?.answer(request.number, request.answer);
  }
});
