import { Worker } from 'node:worker_threads';
import { DleError } from '@dle/common';
import type {
  CompactionHost,
  CompactionOrder,
  CompactionOutcome,
} from '../compaction/compaction-order.js';
import type { DirectoryHeader } from '../directory/directory-format.js';
import type { Listed } from '../directory/sealed-segment.js';
import type { Answer, PlainError, Question, Report, Request } from './messages.js';

type Asked = Extract<Report, { type: 'ask' }>;

interface Waiter {
  resolve(result: unknown): void;
  reject(error: DleError): void;
  readonly host: CompactionHost | undefined;
}

/** One thread for the background work of all stores of this thread. */
class BackgroundThread {
  users = 0;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiter>();
  #jobs = 0;
  #holders = 0;

  constructor(onEnd: () => void) {
    // What the program was started with (loaders, inspectors) is not for this thread.
    const options = { name: 'dle background', execArgv: [] };
    this.#worker = new Worker(new URL('./background-worker.js', import.meta.url), options);
    // A program may end without having closed its stores.
    this.#worker.unref();
    this.#worker.on('message', (message: Report) => this.#take(message));
    const end = (thrown: unknown): void => {
      onEnd();
      for (const { reject } of this.#waiting.values()) reject(DleError.from(thrown));
      this.#waiting.clear();
    };
    this.#worker.on('error', end);
    this.#worker.on('exit', (code) => end(new Error(`the thread has ended with code ${code}`)));
  }

  run(
    request: (job: number) => Request,
    host?: CompactionHost,
  ): { readonly job: number; readonly done: Promise<unknown> } {
    const job = ++this.#jobs;
    const done = new Promise((resolve, reject) => {
      this.#waiting.set(job, { resolve, reject, host });
      this.#worker.postMessage(request(job));
    });
    return { job, done };
  }

  stop(job: number): void {
    this.#worker.postMessage({ type: 'stop', job } satisfies Request);
  }

  /** Keeps the process alive until `work` has settled. */
  async hold(work: Promise<unknown>): Promise<void> {
    if (this.#holders++ === 0) this.#worker.ref();
    try {
      await work;
    } finally {
      if (--this.#holders === 0) this.#worker.unref();
    }
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }

  #take(message: Report): void {
    const waiter = this.#waiting.get(message.job);
    if (waiter === undefined) return;
    if (message.type === 'ask') {
      void this.#answer(message, waiter.host!);
    } else if (message.type === 'progress') {
      waiter.host?.progress(message.bytes);
    } else {
      this.#waiting.delete(message.job);
      if (message.type === 'done') waiter.resolve(message.result);
      else waiter.reject(errorOf(message.error));
    }
  }

  async #answer({ job, number, question }: Asked, host: CompactionHost): Promise<void> {
    let answer: Answer;
    try {
      answer = { value: await ask(host, question) };
    } catch (thrown) {
      const { code, message, details } = DleError.from(thrown);
      answer = { error: { code, message, details } };
    }
    this.#worker.postMessage({ type: 'answer', job, number, answer } satisfies Request);
  }
}

function errorOf({ code, message, details }: PlainError): DleError {
  return new DleError(code, message, details === undefined ? {} : { details });
}

function ask(host: CompactionHost, question: Question): Promise<unknown> {
  if (question.about === 'live') return host.areLive(question.candidates);
  if (question.about === 'begin') return host.begin();
  return host.finished(question.output);
}

let shared: BackgroundThread | undefined;

/** A store's share in the thread, which begins with the first job and ends with the last store. */
export class BackgroundShare {
  #thread: BackgroundThread | undefined;

  /**
   * Makes a key directory. Rejects with what went wrong: with `DLE_INTERNAL` if it is the thread
   * itself, such as where there can be none.
   */
  build(directory: string, segment: Listed): Promise<DirectoryHeader> {
    const { done } = this.#begin().run((job) => ({ type: 'build', job, directory, segment }));
    return done as Promise<DirectoryHeader>;
  }

  /** As `CompactionJob.run`. */
  compact(
    order: CompactionOrder,
    host: CompactionHost,
  ): { readonly done: Promise<CompactionOutcome>; readonly stop: () => void } {
    const thread = this.#begin();
    const { job, done } = thread.run((job) => ({ type: 'compact', job, order }), host);
    return { done: done as Promise<CompactionOutcome>, stop: () => thread.stop(job) };
  }

  /** Keeps the process alive until `work` has settled, which may need the thread. */
  async hold(work: Promise<unknown>): Promise<void> {
    if (this.#thread === undefined) await work;
    else await this.#thread.hold(work);
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined || --thread.users > 0) return;
    if (shared === thread) shared = undefined;
    await thread.end();
  }

  #begin(): BackgroundThread {
    if (this.#thread !== undefined) return this.#thread;
    const thread =
      shared ??
      new BackgroundThread(() => {
        if (shared === thread) shared = undefined;
      });
    shared = thread;
    thread.users++;
    this.#thread = thread;
    return thread;
  }
}
